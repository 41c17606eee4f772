#include "daemon/output/program_sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <optional>
#include <utility>

#include "daemon/output/output_pauses.hpp"
#include "daemon/output/outside_scope.hpp"
#include "daemon/process/program_environment.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

namespace {

constexpr std::size_t at_once = 64u << 10;  // bytes of a write: what a pipe has room for

// How long a program that closed its input may take to end, and then one that was asked to.
constexpr std::chrono::seconds deaf_grace{1};

/// Lines of a pipe's end that is the caller's, which is closed.
std::unique_ptr<line_input> lines_of(const asio::any_io_executor& loop, int end, std::size_t longest) {
  struct closer {
    int end;
    ~closer() { ::close(end); }
  } const closes{end};
  return std::make_unique<line_input>(loop, end, longest);
}

}  // namespace

program_sink::program_sink(const output_context& context, const config::output_settings& settings)
    : context_(context),
      settings_(settings),
      secrets_(context.secrets),
      pauses_(output_pauses),
      input_(context.loop),
      changed_(context.loop) {}

program_sink::command_line program_sink::resolve(std::string& error) {
  secrets_.begin_attempt([](std::string_view) { return false; });
  outside_scope scope{context_.time, secrets_};
  command_line made;
  for (const config::text_template& part : settings_.program) {
    auto text = part.resolve(&scope);
    if (!text) error = text.error;
    made.arguments.push_back(std::move(text.value));
  }
  for (const auto& [name, value] : settings_.environment) {
    auto text = value.resolve(&scope);
    if (!text) error = fmt::format("env.{}: {}", name, text.error);
    made.environment[name] = std::move(text.value);
  }
  return made;
}

void program_sink::close_input() {
  boost::system::error_code ignored;
  ignored = input_.close(ignored);
  changed_.notify();
}

asio::awaitable<record_sink::progress> program_sink::write(const record_batch& records) {
  progress made;
  bool stopped = co_await cancelled();
  while (!stopped && made.written == 0) {
    if (!input_.is_open()) {
      co_await changed_.wait();
      stopped = co_await cancelled();
      continue;
    }
    room_.clear();
    std::size_t count = 0;
    for (; count < records.size() && room_.size() < at_once; ++count) room_ += records[count].text;
    std::size_t taken = 0;
    boost::system::error_code failed;
    while (taken < room_.size() && !failed) {
      const auto [error, size] = co_await input_.async_write_some(
          asio::buffer(room_.data() + taken, room_.size() - taken), asio::as_tuple(asio::use_awaitable));
      taken += size;
      failed = error;
    }
    for (std::size_t i = 0, end = 0; i < count; ++i) {
      end += records[i].text.size();
      if (end <= taken) ++made.written;
    }
    deaf_ = deaf_ || (failed && failed != asio::error::operation_aborted);
    if (deaf_) close_input();
    stopped = co_await cancelled();
  }
  co_return made;
}

asio::awaitable<std::string> program_sink::run() {
  bool stopped = co_await cancelled();
  while (!stopped && !closing_) {
    failed_ = co_await run_once();
    stopped = co_await cancelled();
    if (stopped || closing_) break;
    const auto pause = pauses_.next(context_.random());
    context_.log.record("", happening::output_failed{settings_.name, failed_, pause});
    const auto next = context_.time.now() + pause;
    while (!stopped && !closing_ && context_.time.now() < next) {
      co_await changed_.wait_until(context_.time, next);
      stopped = co_await cancelled();
    }
  }
  ended_ = true;
  changed_.notify();
  co_return std::string{};
}

asio::awaitable<std::string> program_sink::run_once() {
  std::string error;
  const command_line what = resolve(error);
  if (!error.empty()) co_return error;
  child_process child(what.arguments, environment_with(what.environment), error);
  const bool answers = settings_.answers == config::program_answers::commands;
  descriptor end{context_.loop};
  std::unique_ptr<line_input> printed;
  std::unique_ptr<line_input> complained;
  if (child.started()) {
    try {  // there may be no descriptors left
      end.assign(child.take_end());
      printed = lines_of(context_.loop, child.take_output(), answers ? longest_command : longest_line);
      complained = lines_of(context_.loop, child.take_errors(), longest_line);
      input_.assign(child.take_input());
    } catch (const boost::system::system_error& failed) {
      error = failed.code().message();
    }
  }
  if (!error.empty()) {
    close_input();
    co_return "it cannot be started: " + error;
  }
  deaf_ = false;
  ended_by_us_ = false;
  child_ = &child;
  changed_.notify();

  enum task { waiter, printer, complainer, steadiness, deafness, limit };
  task_group<int> tasks{context_.loop};
  tasks.spawn(waiter, await_end(end));
  tasks.spawn(printer, answers ? take_answers(*printed) : log_lines(*printed));
  tasks.spawn(complainer, log_lines(*complained));
  tasks.spawn(steadiness, note_steady());
  tasks.spawn(deafness, end_deaf_program());
  unsigned open = 2;
  bool ended = false;
  while (!ended) {
    const auto next = co_await tasks.next();
    if (next.id == printer || next.id == complainer) --open;
    ended = next.id == waiter;
  }
  close_input();
  child.signal(SIGKILL);  // what it has left in its group, and itself if we were cancelled
  tasks.cancel(steadiness);
  tasks.cancel(deafness);
  tasks.spawn(limit, sleep(last_words));
  bool stopped = co_await cancelled();
  while (!stopped && open > 0) {
    const auto next = co_await tasks.next();
    if (next.id == printer || next.id == complainer) --open;
    if (next.id == limit) break;
    stopped = co_await cancelled();
  }
  co_await tasks.join();
  tell_held_back();
  child_ = nullptr;
  changed_.notify();
  const auto status = child.status();
  std::string why = ended_by_us_ ? "the program closed its standard input: " : "the program ended: ";
  why += status ? describe_end(*status) : "it was killed";
  co_return why;
}

asio::awaitable<int> program_sink::await_end(descriptor& end) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return 0;
  co_await end.async_wait(descriptor::wait_read, as_value);
  co_return 0;
}

asio::awaitable<int> program_sink::sleep(clock::duration time) {
  co_await context_.time.sleep_for(time);
  co_return 0;
}

asio::awaitable<int> program_sink::note_steady() {
  const bool passed = co_await context_.time.sleep_for(steady);
  if (!passed) co_return 0;
  pauses_.reset();
  if (!failed_.empty()) context_.log.record("", happening::output_recovered{settings_.name});
  failed_.clear();
  co_return 0;
}

/// What cannot be written to is of no use. Most often it has ended, and that is seen a moment later.
asio::awaitable<int> program_sink::end_deaf_program() {
  bool go_on = true;
  while (go_on && !deaf_) go_on = co_await changed_.wait();
  for (const int number : {SIGTERM, SIGKILL}) {
    if (go_on) go_on = co_await context_.time.sleep_for(deaf_grace);
    if (!go_on || child_ == nullptr) break;
    ended_by_us_ = true;
    child_->signal(number);
  }
  co_return 0;
}

asio::awaitable<int> program_sink::take_answers(line_input& from) {
  if (context_.take_commands) co_await context_.take_commands(settings_.name, from);
  co_return 0;
}

asio::awaitable<int> program_sink::log_lines(line_input& from) {
  bool stopped = co_await cancelled();
  while (!stopped) {
    auto line = co_await from.next();
    if (!line) break;
    log_line(line->too_long ? fmt::format("(a line of more than {} bytes)", longest_line)
                            : std::move(line->text));
    stopped = co_await cancelled();
  }
  co_return 0;
}

void program_sink::log_line(std::string text) {
  if (!lines_.try_take(context_.time.now())) {
    ++held_back_;
    return;
  }
  tell_held_back();
  context_.log.record("", happening::program_said{settings_.name, std::move(text)});
}

void program_sink::tell_held_back() {
  const auto count = std::exchange(held_back_, 0);
  if (count == 0) return;
  context_.log.record(
      "", happening::program_said{settings_.name, fmt::format("({} lines were left out)", count)});
}

asio::awaitable<void> program_sink::await_gone(clock::time_point until) {
  bool stopped = co_await cancelled();
  while (!stopped && !ended_ && context_.time.now() < until) {
    co_await changed_.wait_until(context_.time, until);
    stopped = co_await cancelled();
  }
}

asio::awaitable<void> program_sink::finish(clock::time_point until) {
  const auto now = context_.time.now();
  const auto left = std::max(until - now, clock::duration::zero());
  closing_ = true;
  close_input();
  co_await await_gone(now + left / 2);
  if (child_ != nullptr) child_->signal(SIGTERM);
  co_await await_gone(now + left / 8 * 7);
  kill();
  co_await await_gone(until);
}

void program_sink::kill() noexcept {
  if (child_ != nullptr) child_->signal(SIGKILL);
}

}  // namespace duplexd
