#include "daemon/process/program_end.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <system_error>

#include "daemon/process/program_environment.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"

namespace duplexd {

namespace {

using asio::posix::stream_descriptor;

// How long a program that was asked to end may take, and then how long a killed one.
constexpr std::chrono::milliseconds grace{1'000};

constexpr std::size_t complaints_kept = 4'096;  // bytes

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const auto start = text.rfind('\n');
  return start == std::string::npos ? text : text.substr(start + 1);
}

}  // namespace

asio::awaitable<int> await_end(stream_descriptor& end) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await end.async_wait(stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
  co_return 0;
}

asio::awaitable<int> bring_to_end(asio::any_io_executor loop, clock& time, child_process& child,
                                  stream_descriptor& end, bool ask, std::string& unreached) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (const int number : {SIGTERM, SIGKILL}) {
    if (number == SIGTERM && !ask) continue;
    const int failed = child.signal(number);
    unreached = failed == 0 ? "" : std::generic_category().message(failed);
    if (failed == 0) co_await within(loop, time, time.now() + grace, await_end(end));
  }
  co_return 0;
}

asio::awaitable<int> keep_last(stream_descriptor& pipe, std::string& text) {
  std::array<char, 16'384> chunk;
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto [error, size] =
        co_await pipe.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    text.append(chunk.data(), size);
    if (text.size() > complaints_kept) text.erase(0, text.size() - complaints_kept);
    stopped = co_await cancelled();
  }
  co_return 0;
}

std::string describe_failure(int status, std::string complaints) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = describe_end(status);
  const std::string said = last_line(std::move(complaints));
  return said.empty() ? how : fmt::format("{}: {}", how, said.substr(0, 200));
}

}  // namespace duplexd
