#include "daemon/link/program_runner.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "daemon/process/child_process.hpp"
#include "daemon/process/make_program_runner.hpp"
#include "daemon/process/program_end.hpp"
#include "daemon/process/program_environment.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

namespace {

using descriptor = asio::posix::stream_descriptor;

asio::awaitable<int> feed(descriptor& pipe, const std::string& text) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await asio::async_write(pipe, asio::buffer(text), asio::as_tuple(asio::use_awaitable));
  pipe.close();
  co_return 0;
}

/// Reads to the end; what is over the limit is the end too.
asio::awaitable<int> collect(descriptor& pipe, std::string& text, std::size_t limit) {
  std::array<char, 16'384> chunk;
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto [error, size] =
        co_await pipe.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    text.append(chunk.data(), size);
    if (text.size() > limit) break;
    stopped = co_await cancelled();
  }
  co_return 0;
}

asio::awaitable<int> await_limit(asio::steady_timer& timer) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return 0;
}

program_result judge(int status, std::string output, std::string errors) {
  std::string why = describe_failure(status, std::move(errors));
  if (why.empty()) return output;
  return program_failure{std::move(why)};
}

class posix_program_runner final : public program_keeper {
 public:
  explicit posix_program_runner(asio::any_io_executor loop) : loop_(std::move(loop)) {}

  asio::awaitable<program_result> run(program_request what) override {
    std::string error;
    child_process child(what.arguments, environment_with(what.environment), error);
    if (!child.started()) co_return program_failure{"it cannot be started: " + error};
    descriptor input{loop_, child.take_input()};
    descriptor output{loop_, child.take_output()};
    descriptor errors{loop_, child.take_errors()};
    descriptor end{loop_, child.take_end()};
    asio::steady_timer timer{loop_, what.timeout};
    std::string said;
    std::string complained;

    enum task { feeder, reader, complaints, waiter, limit, ender };
    task_group<int> tasks{loop_};
    tasks.spawn(feeder, feed(input, what.input));
    tasks.spawn(reader, collect(output, said, what.largest_output));
    tasks.spawn(complaints, keep_last(errors, complained));
    tasks.spawn(waiter, await_end(end));
    tasks.spawn(limit, await_limit(timer));

    // It has come to its end when it has exited and nobody holds its output open any more.
    bool late = false;
    bool read = false;
    bool exited = false;
    bool stopped = false;
    while (!late && !stopped && !(read && exited)) {
      const auto next = co_await tasks.next();
      stopped = co_await cancelled();
      late = late || next.id == limit;
      read = read || next.id == reader;
      exited = exited || next.id == waiter;
      if (said.size() > what.largest_output) break;
    }
    std::string unreached;
    if (!read || !exited)
      tasks.spawn(ender, bring_to_end(loop_, time_, child, end, late || stopped, unreached));
    co_await tasks.join();
    const auto status = child.status();
    if (!status) left_.push_back(child.let_go());
    if (!status && unreached.empty()) unreached = "it does not end";
    if (status)
      unreached.clear();
    else
      unreached.insert(0, ", and cannot be killed: ");
    if (said.size() > what.largest_output)
      co_return program_failure{fmt::format("it wrote more than {} bytes{}", what.largest_output, unreached)};
    if (late)
      co_return program_failure{fmt::format("it took longer than {} s{}",
                                            static_cast<double>(what.timeout.count()) / 1000.0, unreached)};
    if (stopped || !status) co_return program_failure{"it was ended" + unreached};
    co_return judge(*status, std::move(said), std::move(complained));
  }

  void reap() override {
    std::erase_if(left_, [](pid_t each) { return ::waitpid(each, nullptr, WNOHANG) != 0; });
  }

 private:
  asio::any_io_executor loop_;
  steady_clock time_{loop_};
  std::vector<pid_t> left_;
};

}  // namespace

std::unique_ptr<program_keeper> make_program_runner(asio::any_io_executor loop) {
  return std::make_unique<posix_program_runner>(std::move(loop));
}

}  // namespace duplexd
