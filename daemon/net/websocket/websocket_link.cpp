#include "daemon/net/websocket/websocket_link.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

constexpr std::chrono::milliseconds servers_turn{1'000};  ///< to end TCP first; after that we do
constexpr std::size_t all_pongs_up_to = 64 * 1024;  ///< unsent; beyond it only the newest ping is answered

}  // namespace

asio::awaitable<void> websocket_link::wait_readable() {
  if (ended_) co_return;
  if (may_have_) {  // let the others have their turn, then go on with what is here
    co_await asio::post(connection_->get_executor(), asio::use_awaitable);
    co_return;
  }
  connection_->shrink();
  reader_.shrink();
  writer_.shrink();
  co_await connection_->wait_readable();
  may_have_ = true;
}

bool websocket_link::next(protocol::frame_view& out) {
  if (ended_) return false;
  if (end_) {
    end_();
    return false;
  }
  // One read of the socket for each call, so that a flood leaves the loop its turns.
  for (bool filled = false;;) {
    switch (reader_.next(connection_->incoming(), out)) {
      case frame_reader::event::message:
        return true;
      case frame_reader::event::ping:
        answer_ping(out.bytes);
        continue;
      case frame_reader::event::closed:
        end_ = [this] { end_closed(); };
        return false;
      case frame_reader::event::refused:
        end_ = [this] { end_refused(); };
        return false;
      case frame_reader::event::dry:
        break;
    }
    if (!filled && connection_->readable()) {
      filled = true;
      if (connection_->fill()) continue;
    }
    may_have_ = connection_->end_cause().has_value();
    if (may_have_) end_ = [this] { end_lost(); };
    return false;
  }
}

void websocket_link::answer_ping(std::span<const std::uint8_t> payload) {
  if (watch_ != nullptr)
    watch_->ping_received({reinterpret_cast<const char*>(payload.data()), payload.size()});
  if (!may_write()) return;
  // One pong waits at most, for the newest ping (RFC 6455, 5.5.3): who asks without reading the answers does
  // not fill our memory, and who asks behind a slow uplink is answered.
  connection_->deferred().clear();
  const bool at_once = connection_->unsent() <= all_pongs_up_to;
  writer_.control(at_once ? connection_->cork() : connection_->deferred(), opcode::pong, payload);
  if (at_once) connection_->schedule_flush();
}

void websocket_link::end_closed() {
  const peer_close& closed = reader_.closed();
  send_close(closed.code, {});
  link_end end;
  end.closed = close_reason{.code = closed.code, .text = closed.text};
  set_ended(std::move(end));
}

void websocket_link::end_refused() {
  const frame_refusal& refusal = reader_.refusal();
  send_close(refusal.code, refusal.cause);
  end_failed(config::fault_class::protocol_error, refusal.cause);
}

void websocket_link::end_lost() {
  std::string cause =
      (connection_->tls_failed() ? "TLS: " : "") + connection_->end_cause().value_or("cancelled");
  if (reader_.in_middle() || !connection_->incoming().empty()) cause += " in the middle of a message";
  cause += close_sent_ ? " before it answered our close frame" : " without a close frame";
  end_failed(config::fault_class::lost, std::move(cause));
}

void websocket_link::end_failed(config::fault_class kind, std::string cause) {
  link_end end;
  end.failed.emplace();
  end.failed->kind = kind;
  end.failed->cause = std::move(cause);
  set_ended(std::move(end));
}

void websocket_link::set_ended(link_end end) {
  ended_ = std::move(end);
  connection_->wake_sender();
}

void websocket_link::put(protocol::frame_view message) {
  if (!may_write()) return;
  writer_.message(connection_->cork(), message);
  connection_->schedule_flush();
}

void websocket_link::put_and_flush(protocol::frame_view message) {
  connection_->hold_flush();
  put(message);
  connection_->flush();
}

void websocket_link::put_ping() {
  if (!may_write()) return;
  writer_.control(connection_->cork(), opcode::ping, {});
  connection_->schedule_flush();
}

void websocket_link::close(const close_reason& reason) {
  if (!ended_) send_close(reason.code, reason.text);
}

void websocket_link::send_close(std::uint16_t code, std::string_view text) {
  if (close_sent_) return;
  close_sent_ = close_reason{.code = code, .text = std::string(text)};
  connection_->deferred().clear();  // nothing follows a close frame
  writer_.close(connection_->cork(), code, text);
  connection_->schedule_flush();
}

std::size_t websocket_link::unsent() const noexcept {
  // What could not be sent is gone from the queue, but it was not sent.
  return std::max<std::size_t>(connection_->unsent(), connection_->send_failed() ? 1 : 0);
}

asio::awaitable<void> websocket_link::wait_sent() {
  bool stopped = co_await cancelled();
  while (!ended_ && unsent() != 0 && !stopped) {
    co_await connection_->wait_sent();
    stopped = co_await cancelled();
  }
}

transport::clock::time_point websocket_link::last_heard() const noexcept {
  return connection_->last_heard();
}

asio::awaitable<void> websocket_link::finish(std::chrono::milliseconds limit) {
  // After the closing handshake the server ends TCP first, so that it is not the one whose port stays in use
  // (RFC 6455, 7.1.1).
  const bool waits = role_ == endpoint_role::client && ended_ && ended_->closed;
  co_await connection_->finish(limit, waits ? std::min(limit, servers_turn) : std::chrono::milliseconds(0));
  if (!ended_) end_failed(config::fault_class::lost, "the link was given up on our side");
}

}  // namespace duplexd::net
