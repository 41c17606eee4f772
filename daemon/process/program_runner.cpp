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
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

namespace {

using descriptor = asio::posix::stream_descriptor;

constexpr std::size_t errors_kept = 4'096;  // bytes of standard error, the last ones

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
  const std::string how = WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                                              : fmt::format("exit code {}", WEXITSTATUS(status));
  const std::string said = last_line(std::move(errors));
  return program_failure{said.empty() ? how : fmt::format("{}: {}", how, said.substr(0, 200))};
}

class posix_program_runner final : public program_runner {
 public:
  explicit posix_program_runner(asio::any_io_executor loop) : loop_(std::move(loop)) {}

  asio::awaitable<program_result> run(program_request what) override {
    std::string error;
    child_process child(what.arguments, error);
    if (!child.started()) co_return program_failure{"it cannot be started: " + error};
    descriptor input{loop_, child.take_input()};
    descriptor output{loop_, child.take_output()};
    descriptor errors{loop_, child.take_errors()};
    descriptor end{loop_, child.take_end()};
    asio::steady_timer timer{loop_, what.timeout};
    std::string said;
    std::string complained;

    enum task { feeder, reader, complaints, waiter, limit };
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
    if (!read || !exited) child.kill();
    co_await tasks.join();
    const int status = child.wait();
    if (said.size() > what.largest_output)
      co_return program_failure{fmt::format("it wrote more than {} bytes", what.largest_output)};
    if (late)
      co_return program_failure{
          fmt::format("it took longer than {} s", static_cast<double>(what.timeout.count()) / 1000.0)};
    if (stopped) co_return program_failure{"it was ended"};
    co_return judge(status, std::move(said), std::move(complained));
  }

 private:
  asio::any_io_executor loop_;
};

}  // namespace

std::unique_ptr<program_runner> make_program_runner(asio::any_io_executor loop) {
  return std::make_unique<posix_program_runner>(std::move(loop));
}

}  // namespace duplexd
