#include "daemon/output/exec_output.hpp"

#include <utility>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/runtime/within.hpp"

namespace duplexd {

exec_output::exec_output(const output_context& context, const config::output_settings& settings)
    : exec_output(context, settings, std::make_unique<program_sink>(context, settings)) {}

exec_output::exec_output(const output_context& context, const config::output_settings& settings,
                         std::unique_ptr<program_sink> program)
    : loop_(context.loop),
      time_(context.time),
      program_(*program),
      queue_(context.loop, context.time, context.log, context.random, settings, std::move(program)) {}

asio::awaitable<std::string> exec_output::run() {
  enum task { writing, running };
  task_group<std::string> tasks{loop_};
  tasks.spawn(writing, queue_.run());
  tasks.spawn(running, program_.run());
  bool stopped = co_await cancelled();
  while (!stopped) {
    co_await tasks.next();
    stopped = co_await cancelled();
  }
  co_await tasks.join();
  co_return std::string{};
}

asio::awaitable<int> exec_output::write_out() {
  co_await queue_.wait_written();
  co_return 0;
}

asio::awaitable<void> exec_output::finish(clock::time_point until) {
  const auto now = time_.now();
  co_await within(loop_, time_, now + (until - now) / 2, write_out());
  co_await program_.finish(until);
}

}  // namespace duplexd
