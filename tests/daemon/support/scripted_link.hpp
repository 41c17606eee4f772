#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/link/dialer.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd::test {

/// One message as a test writes it.
struct message {
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::string bytes;
  friend bool operator==(const message&, const message&) = default;
};
message text(std::string bytes);
message binary(std::string bytes);

/// What the server of a test sees and says on one link. Outlives the link.
struct scripted_server {
  explicit scripted_server(const asio::any_io_executor& loop) : arrived(loop) {}

  std::vector<message> received;
  std::vector<bool> confidential;  ///< of each of them
  unsigned flushed = 0;            ///< so many of them did not wait for the turn's end
  std::optional<close_reason> close_received;
  unsigned pings = 0;
  bool answers_close = true;
  bool takes_bytes = true;                                ///< false: the kernel's buffer is full
  std::size_t unsent_bytes = 1;                           ///< that wait for it then
  std::optional<std::chrono::milliseconds> finish_limit;  ///< once the client has said goodbye
  bool ends_tcp = true;                                   ///< false: the client has to wait for its limit
  bool left = false;                                      ///< the client's socket is closed
  std::string subprotocol;                                ///< that it chooses
  send_progress sending{};
  std::function<void(scripted_server&, const message&)> on_message = [](auto&, const auto&) {};

  void say(message what);
  void close(close_reason reason);
  void vanish(fault what);
  void take_bytes(bool yes);

  std::deque<message> underway;
  std::optional<link_end> end;
  transport::clock::time_point last_said{};
  class clock* time = nullptr;
  notifier arrived;
};

/// A transport without a network: the other end is a scripted_server.
class scripted_link final : public transport {
 public:
  explicit scripted_link(std::shared_ptr<scripted_server> server) : server_(std::move(server)) {}

  asio::awaitable<void> wait_readable() override;
  bool next(protocol::frame_view& out) override;
  [[nodiscard]] bool end_is_next() const noexcept override { return end_is_next_; }
  void put(protocol::frame_view what) override;
  void put_and_flush(protocol::frame_view what) override;
  void put_ping() override { ++server_->pings; }
  [[nodiscard]] std::size_t unsent() const noexcept override {
    return server_->takes_bytes ? 0 : server_->unsent_bytes;
  }
  [[nodiscard]] send_progress sending() const noexcept override { return server_->sending; }
  asio::awaitable<void> wait_sent() override;
  void close(const close_reason& reason) override;
  [[nodiscard]] std::optional<close_reason> close_sent() const override;
  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return ended_; }
  [[nodiscard]] clock::time_point last_heard() const noexcept override { return server_->last_said; }
  [[nodiscard]] std::string_view subprotocol() const noexcept override { return server_->subprotocol; }
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  std::shared_ptr<scripted_server> server_;
  message current_;
  std::optional<link_end> ended_;
  bool end_is_next_ = false;
};

/// Suspends until its caller is cancelled.
asio::awaitable<void> until_cancelled();

/// Gives out what the test prepared for each dial; after that, refuses. A null answer never comes.
class scripted_dialer final : public dialer {
 public:
  using answer = std::function<dial_result(const dial_request&)>;
  asio::awaitable<dial_result> dial(dial_request request) override;

  std::deque<answer> answers;
  unsigned dials = 0;
};

}  // namespace duplexd::test
