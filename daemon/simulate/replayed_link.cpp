#include "daemon/simulate/replayed_link.hpp"

#include <utility>

namespace duplexd::net {
namespace {

constexpr std::chrono::milliseconds end_limit{2000};
// Messages that come when nothing more is expected are differences, too.
constexpr std::chrono::milliseconds listen_on{1000};

protocol::frame_view view_of(protocol::frame_kind kind, const std::string& bytes) {
  return {.kind = kind, .bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}};
}

}  // namespace

replayed_link::replayed_link(std::unique_ptr<transport> link, const simulated_session& session,
                             std::vector<capture_entry> recorded, double speed, std::function<void()> cut,
                             const loop_executor& loop)
    : link_(std::move(link)),
      session_(session),
      script_(std::move(recorded), speed, std::chrono::steady_clock::now()),
      cut_(std::move(cut)),
      timer_(loop) {}

asio::awaitable<void> replayed_link::serve() {
  advance();
  protocol::frame_view message;
  const auto& end = link_->ended();
  while (!end) {
    co_await link_->wait_readable();
    while (link_->next(message)) script_.client_said(message);
    if (!end) advance();
  }
  timer_.cancel();
  script_.client_left(end->closed);
  co_await link_->finish(end_limit);
}

void replayed_link::advance() {
  using action = replay_step::action;
  for (;;) {
    const auto step = script_.next(std::chrono::steady_clock::now());
    switch (step.kind) {
      case action::say:
        if (const auto& bytes = step.what->bytes) link_->put(view_of(step.what->kind, *bytes));
        break;
      case action::close:
        closed_ = true;
        link_->close(step.what->reason);
        break;
      case action::drop:
        return cut_();
      case action::wait:
        if (step.until) advance_at(*step.until);
        return;
      case action::over:
        return end();
    }
  }
}

void replayed_link::advance_at(replay_script::time_point when) {
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->link_->ended()) self->advance();
  });
}

/// Nothing is left to say: the client has a moment, then the link is closed, then cut.
void replayed_link::end() {
  if (ending_) return;
  ending_ = true;
  timer_.expires_after(closed_ ? end_limit : listen_on);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->link_->ended()) return;
    if (std::exchange(self->closed_, true)) return self->cut_();
    const close_reason reason{.code = 1001, .text = "the replay is over"};
    self->link_->close(reason);
    self->ending_ = false;
    self->end();
  });
}

replay_report replayed_link::report() const {
  replay_report made;
  made.equal = script_.equal();
  for (const auto& each : script_.differences()) made.differences.push_back(describe(each));
  return made;
}

std::string replayed_link::describe(const replay_difference& difference) const {
  std::string expected = "nothing more";
  if (const auto* entry = difference.expected) {
    if (entry->event == capture_event::message)
      expected = entry->bytes ? session_.show(view_of(entry->kind, *entry->bytes)) : "a message with secrets";
    else if (entry->event == capture_event::close)
      expected = "close " + std::to_string(entry->reason.code) +
                 (entry->reason.text.empty() ? "" : " " + entry->reason.text);
    else
      expected = "the end of the link";
  }
  const std::string found =
      difference.kind ? session_.show(view_of(*difference.kind, difference.found)) : difference.found;
  const std::string which =
      difference.number == 0 ? "the end" : "message " + std::to_string(difference.number);
  return which + ": expected " + expected + "; found " + found;
}

}  // namespace duplexd::net
