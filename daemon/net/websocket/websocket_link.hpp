#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/link/ping_observer.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/websocket/frame_reader.hpp"
#include "daemon/net/websocket/frame_writer.hpp"

namespace duplexd::net {

/// A WebSocket connection of either role, its handshake done: a reader and a writer of frames between a
/// connection's queues and whoever uses the link. Pings are answered here, and so is the closing handshake.
class websocket_link final : public transport {
 public:
  websocket_link(std::shared_ptr<tcp_connection> connection, frame_reader reader, frame_writer writer,
                 endpoint_role ours, std::string subprotocol = {}, ping_observer* watch = nullptr)
      : connection_(std::move(connection)),
        reader_(std::move(reader)),
        writer_(std::move(writer)),
        role_(ours),
        subprotocol_(std::move(subprotocol)),
        watch_(watch) {}

  asio::awaitable<void> wait_readable() override;
  bool next(protocol::frame_view& out) override;
  [[nodiscard]] bool end_is_next() const noexcept override { return end_ && !ended_; }
  void put(protocol::frame_view message) override;
  void put_and_flush(protocol::frame_view message) override;
  void put_ping() override;
  [[nodiscard]] std::size_t unsent() const noexcept override;
  [[nodiscard]] send_progress sending() const noexcept override { return connection_->sending(); }
  asio::awaitable<void> wait_sent() override;
  void close(const close_reason& reason) override;
  [[nodiscard]] std::string_view subprotocol() const noexcept override { return subprotocol_; }
  [[nodiscard]] std::optional<close_reason> close_sent() const override { return close_sent_; }
  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return ended_; }
  [[nodiscard]] clock::time_point last_heard() const noexcept override;
  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() const noexcept override {
    return connection_->round_trip();
  }
  [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_end() const override {
    return connection_->certificate_end();
  }
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  void answer_ping(std::span<const std::uint8_t> payload);
  void end_closed();
  void end_refused();
  void end_lost();
  void end_failed(config::fault_class kind, std::string cause);
  void set_ended(link_end end);
  void send_close(std::uint16_t code, std::string_view text);
  [[nodiscard]] bool may_write() const noexcept {
    return !ended_ && !close_sent_ && !connection_->send_failed();
  }

  std::shared_ptr<tcp_connection> connection_;
  frame_reader reader_;
  frame_writer writer_;
  endpoint_role role_;
  std::string subprotocol_;  ///< agreed on
  ping_observer* watch_;     ///< null: nobody asks
  bool may_have_ = true;     ///< `next()` has not been dry since bytes came
  std::optional<close_reason> close_sent_;
  std::function<void()> end_;  ///< set when the end is all that is left to read: takes note of it
  std::optional<link_end> ended_;
};

}  // namespace duplexd::net
