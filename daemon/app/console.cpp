#include "daemon/app/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>
#include <variant>

#include "daemon/event/describe.hpp"
#include "daemon/link/dial_request.hpp"
#include "daemon/link/fault_code.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/keepalive.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

console::console(const config::session_settings& settings, console_options how)
    : settings_(settings),
      how_(std::move(how)),
      links_(make_dialer(loop_)),
      stdout_(loop_.get_executor(), *this, "stdout", STDOUT_FILENO),
      caught_(loop_, SIGINT, SIGTERM) {
  std::signal(SIGPIPE, SIG_IGN);
}

exit_code console::run() {
  std::exception_ptr bug;
  asio::co_spawn(loop_, work(), [&](const std::exception_ptr& error) { bug = error; });
  loop_.run();
  if (bug) std::rethrow_exception(bug);
  return result_;
}

void console::record(std::string_view /*session*/, const event& what) {
  tell(describe(what).message);
}

void console::tell(const std::string& what) {
  std::fprintf(stderr, "* %s\n", protocol::one_line(what).c_str());
}

void console::ping_received(std::string_view payload) {
  constexpr std::size_t longest_payload = 125;
  tell(payload.empty() ? "ping" : "ping " + protocol::printable(payload, longest_payload));
}

void console::complain(const fault& why) {
  const std::string line =
      fmt::format("duplexd: {}: {} [{}]", config::name_of(why.kind), text_of(why), code_of(why.kind));
  std::fprintf(stderr, "%s\n", protocol::one_line(line).c_str());
  result_ = why.kind == config::fault_class::login_rejected ? exit_login_rejected : exit_fatal_fault;
}

void console::put(std::string_view text) {
  stdout_.append({}, text);
}

void console::show(protocol::frame_view frame) {
  std::string text = how_.prompt ? "\r" : "";
  if (how_.marks) text += "< ";
  text += how_.show(frame);
  if (how_.prompt) text += "> ";
  put(text);
}

asio::awaitable<void> console::work() {
  beside_.spawn(signals, take_signals());
  beside_.spawn(printing, print());
  tasks_.spawn(dialing, dial());
  const auto first = co_await tasks_.next();
  if (first.id == dialing && link_ != nullptr) co_await serve();
  co_await tasks_.join();
  if (bad_line_) result_ = exit_data;
  if (failed_) complain(*failed_);
  // What came is not lost because its reader is slow, but a signal ends the wait.
  if (!output_closed_) tasks_.spawn(flushing, flush());
  while (!output_closed_) {
    const auto next = co_await tasks_.next();
    if (next.id == flushing || next.id == signals) break;
  }
  if (output_closed_) result_ = exit_output_closed;
  co_await tasks_.join();
  co_await beside_.join();
}

asio::awaitable<void> console::serve() {
  if (how_.verbose) {
    const std::string chosen{link_->subprotocol()};
    tell("connected" + (chosen.empty() ? "" : ", subprotocol " + chosen));
  }
  if (how_.prompt) put("> ");
  tasks_.spawn(receiving, receive());
  tasks_.spawn(sending, send());
  tasks_.spawn(watching, watch());
  for (;;) {
    const auto next = co_await tasks_.next();
    if (next.id == receiving || next.id == closing || next.id == watching) break;
    if (next.id == sending && !closing_)
      tasks_.spawn(answers, await_answers());
    else if (next.id != sending)
      close();
  }
  co_await tasks_.join();
  if (how_.prompt) put("\n");
  judge();
  co_await link_->finish(link_->ended() ? settings_.timeouts.close : std::chrono::milliseconds{0});
}

void console::close() {
  if (std::exchange(closing_, true)) return;
  tasks_.cancel(sending);
  tasks_.cancel(answers);
  link_->close({settings_.close.code, settings_.close.reason});
  tasks_.spawn(closing, await_close());
}

// Of a close that we did not begin, the code decides.
void console::judge() {
  if (failed_) return;
  const std::optional<link_end>& end = link_->ended();
  if (!end) {
    failed_ = fault{.kind = config::fault_class::lost, .cause = "the server did not answer the close frame"};
    return;
  }
  if (end->failed) failed_ = end->failed;
  if (!end->closed) return;
  const close_reason& said = *end->closed;
  const auto code = said.code;
  if (how_.verbose) tell(fmt::format("closed with code {} {}", code, said.text));
  const bool is_farewell = code == 1000 || code == 1001 || code == 1005;
  if (!closing_ && !is_farewell) failed_ = closed_by_server(said);
}

asio::awaitable<int> console::dial() {
  auto request = resolve_dial_request(settings_, nullptr);
  if (auto* wrong = std::get_if<fault>(&request)) {
    failed_ = std::move(*wrong);
    co_return 0;
  }
  if (how_.verbose) tell("connecting to " + settings_.urls.front().display());
  dial_request made = std::move(std::get<dial_request>(request));
  if (how_.verbose) made.watch = this;
  try {
    dial_result result = co_await links_->dial(std::move(made));
    if (auto* why = std::get_if<fault>(&result))
      failed_ = std::move(*why);
    else
      link_ = std::move(std::get<std::unique_ptr<transport>>(result));
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
  co_return 0;
}

// While stdout is not read nothing is read from the server.
asio::awaitable<int> console::receive() {
  bool stopped = co_await cancelled();
  while (!stopped && !link_->ended()) {
    co_await link_->wait_readable();
    protocol::frame_view frame;
    while (stdout_.has_room() && link_->next(frame)) show(frame);
    if (!stdout_.has_room()) co_await stdout_.wait_room();
    stopped = co_await cancelled();
  }
  co_return 0;
}

asio::awaitable<int> console::send() {
  line_input lines{loop_.get_executor(), STDIN_FILENO, longest_line};
  bool stopped = co_await cancelled();
  while (!stopped) {
    auto line = co_await lines.next();
    if (!line) break;
    console_options::message message;
    if (line->too_long)
      message.error = fmt::format("it has more than {} bytes", longest_line);
    else
      message = how_.read(line->text);
    if (!message.error.empty()) {
      bad_line_ = true;
      std::fprintf(stderr, "duplexd: line %s is not sent: %s\n", std::to_string(line->number).c_str(),
                   protocol::one_line(message.error).c_str());
    } else {
      link_->put({message.kind, message.bytes});
    }
    if (how_.prompt) put("> ");
    if (link_->unsent() > most_unsent) co_await link_->wait_sent();
    stopped = co_await cancelled();
  }
  if (!lines.failed().empty()) tell("stdin: " + lines.failed());
  co_return 0;
}

asio::awaitable<int> console::await_answers() {
  co_await link_->wait_sent();
  co_await time_.sleep_for(how_.wait);
  co_return 0;
}

// As a session looks after its link.
asio::awaitable<int> console::watch() {
  keepalive decide{settings_.liveness, time_.now()};
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto now = time_.now();
    const keepalive_step step = decide.step(now, stdout_.has_room() ? link_->last_heard() : now);
    if (step.dead) {
      const auto limit = static_cast<double>(settings_.liveness.idle_timeout.count()) / 1000.0;
      failed_ = fault{.kind = config::fault_class::liveness,
                      .cause = fmt::format("nothing was heard from the server for {} s", limit)};
      co_return 0;
    }
    if (step.ping) link_->put_ping();
    co_await time_.sleep_until(step.check_at);
    stopped = co_await cancelled();
  }
  co_return 0;
}

// The second signal ends the process: no destructor runs, for the link has operations pending.
asio::awaitable<int> console::take_signals() {
  bool asked = false;
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto [error, number] = co_await caught_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!error && !echo_.is_echo(number, time_.now())) {
      if (std::exchange(asked, true)) std::_Exit(exit_interrupted);
      tasks_.put(signals, 0);
    }
    stopped = co_await cancelled();
  }
  co_return 0;
}

asio::awaitable<int> console::print() {
  const std::string why = co_await stdout_.run();
  output_closed_ = !why.empty();
  if (output_closed_) tasks_.put(printing, 0);
  co_return 0;
}

asio::awaitable<int> console::await_close() {
  co_await time_.sleep_for(settings_.timeouts.close);
  co_return 0;
}

asio::awaitable<int> console::flush() {
  co_await stdout_.wait_written();
  co_return 0;
}

}  // namespace duplexd
