#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/event/output.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Somebody who follows events over HTTP. It never holds up a session: what comes while its queue is full is
/// dropped, and a line in its place says how many events that were.
class event_follower final : public output {
 public:
  /// Bytes of the queue.
  static constexpr std::size_t most_waiting = std::size_t{1} << 20;
  static constexpr unsigned largest_sample = 1'000'000;

  enum class form : std::uint8_t {
    lines,          ///< JSON lines, as on stdout
    server_events,  ///< `text/event-stream`
  };

  /// `reply`: only events of that reply; empty: all events. `sample`: of these only every Nth,
  /// from 1 to `largest_sample`.
  event_follower(const asio::any_io_executor& loop, form how, std::string reply, unsigned sample = 1)
      : form_(how), reply_(std::move(reply)), sample_(sample), changed_(loop) {}

  void append(const session_event& happened, std::string_view record) override;
  [[nodiscard]] bool has_room() const noexcept override { return true; }
  asio::awaitable<void> wait_room() override { co_return; }
  asio::awaitable<std::string> run() override { co_return std::string{}; }
  asio::awaitable<void> wait_written() override { co_return; }
  [[nodiscard]] std::size_t waiting() const noexcept override { return queue_.size(); }

  /// Suspends until something waits, or `deadline`. May be cancelled.
  asio::awaitable<void> wait(clock& time, clock::time_point deadline);

  /// Everything that waits, with what is to be said of dropped events.
  [[nodiscard]] std::string take();

 private:
  void put(std::string_view line);

  form form_;
  std::string reply_;
  unsigned sample_;
  unsigned passed_over_ = 0;  ///< since the last one that was taken
  std::string queue_;
  std::uint64_t dropped_ = 0;  ///< behind what is in the queue
  notifier changed_;
};

}  // namespace duplexd
