#include "daemon/link/program_runner.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <system_error>

#include "daemon/process/child_process.hpp"
#include "daemon/process/make_program_runner.hpp"
#include "daemon/process/program_environment.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/runtime/within.hpp"

namespace duplexd {

namespace {

using descriptor = asio::posix::stream_descriptor;

constexpr std::size_t errors_kept = 4'096;  // bytes of standard error, the last ones

// How long a program that was asked to end may take, and then how long a killed one.
constexpr std::chrono::milliseconds grace{1'000};

asio::awaitable<int> feed(descriptor& pipe, const std::string& text) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await asio::async_write(pipe, asio::buffer(text), asio::as_tuple(asio::use_awaitable));
  pipe.close();
  co_return 0;
}

/// Reads to the end. With `keep_last`, what is over the limit pushes the first bytes out; without, it is the
/// end too.
asio::awaitable<int> collect(descriptor& pipe, std::string& text, std::size_t limit, bool keep_last) {
  std::array<char, 16'384> chunk;
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto [error, size] =
        co_await pipe.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    text.append(chunk.data(), size);
    if (text.size() > limit && !keep_last) break;
    if (text.size() > limit) text.erase(0, text.size() - limit);
    stopped = co_await cancelled();
  }
  co_return 0;
}

asio::awaitable<int> await_end(descriptor& end) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await end.async_wait(descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
  co_return 0;
}

asio::awaitable<int> await_limit(asio::steady_timer& timer) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return 0;
}

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const auto start = text.rfind('\n');
  return start == std::string::npos ? text : text.substr(start + 1);
}

program_result judge(int status, std::string output, std::string errors) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  const std::string how = describe_end(status);
  const std::string said = last_line(std::move(errors));
  return program_failure{said.empty() ? how : fmt::format("{}: {}", how, said.substr(0, 200))};
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
    tasks.spawn(reader, collect(output, said, what.largest_output, false));
    tasks.spawn(complaints, collect(errors, complained, errors_kept, true));
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
    if (!read || !exited) tasks.spawn(ender, bring_to_end(child, end, late || stopped, unreached));
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
  /// Asks the program to end unless it is out of hand, and kills it and its group. Goes on when cancelled.
  /// `unreached` says why no signal reached it.
  asio::awaitable<int> bring_to_end(child_process& child, descriptor& end, bool ask, std::string& unreached) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    for (const int number : {SIGTERM, SIGKILL}) {
      if (number == SIGTERM && !ask) continue;
      const int failed = child.signal(number);
      unreached = failed == 0 ? "" : std::generic_category().message(failed);
      if (failed == 0) co_await within(loop_, time_, time_.now() + grace, await_end(end));
    }
    co_return 0;
  }

  asio::any_io_executor loop_;
  steady_clock time_{loop_};
  std::vector<pid_t> left_;
};

}  // namespace

std::unique_ptr<program_keeper> make_program_runner(asio::any_io_executor loop) {
  return std::make_unique<posix_program_runner>(std::move(loop));
}

}  // namespace duplexd
