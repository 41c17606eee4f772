#include "tests/daemon/support/scripted_link.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

namespace duplexd::test {

message text(std::string bytes) {
  return {protocol::frame_kind::text, std::move(bytes)};
}
message binary(std::string bytes) {
  return {protocol::frame_kind::binary, std::move(bytes)};
}

void scripted_server::say(message what) {
  underway.push_back(std::move(what));
  if (time != nullptr) last_said = time->now();
  arrived.notify();
}

void scripted_server::close(close_reason reason) {
  end = link_end{std::move(reason), std::nullopt};
  arrived.notify();
}

void scripted_server::vanish(fault what) {
  end = link_end{std::nullopt, std::move(what)};
  arrived.notify();
}

void scripted_server::take_bytes(bool yes) {
  takes_bytes = yes;
  arrived.notify();
}

asio::awaitable<void> scripted_link::wait_readable() {
  bool go_on = true;
  while (go_on && server_->underway.empty() && !server_->end) go_on = co_await server_->arrived.wait();
}

bool scripted_link::next(protocol::frame_view& out) {
  if (server_->underway.empty()) {
    if (end_is_next_) {
      ended_ = server_->end;
      server_->arrived.notify();
    }
    end_is_next_ = server_->end && !ended_;
    return false;
  }
  current_ = std::move(server_->underway.front());
  server_->underway.pop_front();
  out = {current_.kind,
         {reinterpret_cast<const std::uint8_t*>(current_.bytes.data()), current_.bytes.size()}};
  return true;
}

void scripted_link::put(protocol::frame_view what) {
  if (ended_ || server_->close_received) return;
  server_->received.push_back({what.kind, std::string(what.bytes.begin(), what.bytes.end())});
  server_->confidential.push_back(what.confidential);
  server_->on_message(*server_, message{server_->received.back()});
}

void scripted_link::put_and_flush(protocol::frame_view what) {
  ++server_->flushed;
  put(what);
}

asio::awaitable<void> scripted_link::wait_sent() {
  bool go_on = true;
  while (go_on && unsent() != 0 && !ended_) go_on = co_await server_->arrived.wait();
}

// A link answers with the peer's code.
std::optional<close_reason> scripted_link::close_sent() const {
  if (server_->close_received) return server_->close_received;
  if (ended_ && ended_->closed) return close_reason{ended_->closed->code, ""};
  return std::nullopt;
}

void scripted_link::close(const close_reason& reason) {
  server_->close_received = reason;
  if (server_->answers_close) server_->close(reason);
}

asio::awaitable<void> scripted_link::finish(std::chrono::milliseconds limit) {
  server_->finish_limit = limit;
  if (!server_->ends_tcp) co_await server_->time->sleep_for(limit);
  server_->left = true;
}

asio::awaitable<void> until_cancelled() {
  notifier never{co_await asio::this_coro::executor};
  co_await never.wait();
}

asio::awaitable<dial_result> scripted_dialer::dial(dial_request request) {
  ++dials;
  if (answers.empty()) co_return fault{.kind = config::fault_class::connect, .cause = "connection refused"};
  const answer next = std::move(answers.front());
  answers.pop_front();
  if (!next) {
    co_await until_cancelled();
    co_return fault{.cause = "cancelled"};
  }
  co_return next(request);
}

}  // namespace duplexd::test
