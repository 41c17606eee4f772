#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/link/dialer.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "tests/daemon/support/scripted_link.hpp"

namespace duplexd::test {

/// The two ends of one link and what is between them: a kernel that may take nothing, a network that may lose
/// everything. Outlives the link.
struct stormy_wire {
  stormy_wire(const asio::any_io_executor& loop, const class clock& of)
      : time(of), last_heard(of.now()), changed(loop) {}

  const class clock& time;
  std::function<void(const stormy_wire&)> opened = [](const stormy_wire&) {};
  std::function<void(const message&)> put = [](const message&) {};     ///< by the client
  std::function<void(const message&)> taken = [](const message&) {};   ///< by the kernel
  std::function<void(const message&)> arrive = [](const message&) {};  ///< at the server
  std::function<void(const message&)> heard = [](const message&) {};   ///< read by the client
  std::function<void()> ping = [] {};
  std::function<void()> step = [] {};  ///< before each thing that the client does with the link
  bool alive = true;                   ///< false: half-open, nothing goes either way any more
  bool takes_bytes = true;             ///< false: the kernel's buffer is full
  bool answers_close = true;
  bool noticed_end = false;  ///< by the client
  bool closing = false;      ///< the client has sent its close frame

  void say(message what);
  void end(link_end how);
  void take_bytes(bool yes);

  std::deque<message> to_client;
  std::deque<message> to_kernel;
  std::optional<link_end> over;
  transport::clock::time_point last_heard;
  notifier changed;
};

/// The client's end.
class stormy_link final : public transport {
 public:
  explicit stormy_link(std::shared_ptr<stormy_wire> wire) : wire_(std::move(wire)) {}

  asio::awaitable<void> wait_readable() override;
  bool next(protocol::frame_view& out) override;
  [[nodiscard]] bool end_is_next() const noexcept override { return end_is_next_; }
  void put(protocol::frame_view what) override;
  void put_ping() override;
  [[nodiscard]] std::size_t unsent() const noexcept override;
  asio::awaitable<void> wait_sent() override;
  void close(const close_reason& reason) override;
  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return ended_; }
  [[nodiscard]] clock::time_point last_heard() const noexcept override { return wire_->last_heard; }
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  std::shared_ptr<stormy_wire> wire_;
  message current_;
  std::optional<link_end> ended_;
  bool closing_ = false;
  bool end_is_next_ = false;
};

/// What comes of one dial, after a while.
struct stormy_dial {
  clock::duration takes{};
  std::optional<fault> failed{};
  std::shared_ptr<stormy_wire> wire{};
};

class stormy_dialer final : public dialer {
 public:
  stormy_dialer(clock& time, std::function<stormy_dial()> next) : time_(time), next_(std::move(next)) {}
  asio::awaitable<dial_result> dial(dial_request request) override;

 private:
  clock& time_;
  std::function<stormy_dial()> next_;
};

}  // namespace duplexd::test
