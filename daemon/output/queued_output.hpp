#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/output/record_sink.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// An output that is written beside the loop, from a queue that is bounded in bytes. What the writer does not
/// take stays in the queue and is tried again with growing pauses, for ever; what happens when the
/// queue is full is configured.
class queued_output final : public output {
 public:
  queued_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                std::function<double()> random, const config::output_settings& settings,
                std::unique_ptr<record_sink> writer);
  /// With a writer on a thread of its own.
  queued_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                std::function<double()> random, const config::output_settings& settings,
                std::unique_ptr<event_writer> writer);

  void append(const session_event& happened, std::string_view record) override;
  [[nodiscard]] bool has_room() const noexcept override;
  asio::awaitable<void> wait_room() override;
  /// Ends only when cancelled.
  asio::awaitable<std::string> run() override;
  asio::awaitable<void> wait_written() override;
  asio::awaitable<void> finish(clock::time_point until) override;
  void reopen() override;
  [[nodiscard]] std::size_t waiting() const noexcept override { return waiting_.bytes() + writing_.bytes(); }
  [[nodiscard]] bool at_work() const noexcept override { return writes(); }
  [[nodiscard]] std::string held_up() const override { return failed_; }

  /// Whether the writer is at work.
  [[nodiscard]] bool writes() const noexcept { return writes_; }

  /// How often `event_writer::tidy` is called.
  static constexpr std::chrono::seconds tidy_interval{60};

 private:
  void drop(std::uint64_t count);
  void tell_refused(const record_sink::progress& made);
  asio::awaitable<bool> write();
  asio::awaitable<void> pace();
  asio::awaitable<void> pause();

  clock& time_;
  telemetry& log_;
  std::function<double()> random_;
  std::string name_;
  std::uint64_t limit_;
  config::overflow_policy overflow_;
  std::unique_ptr<record_sink> writer_;
  bool writes_ = false;
  bool paces_ = false;
  record_batch waiting_;
  record_batch writing_;
  backoff pauses_;
  std::string failed_;                       ///< why the last attempt did not succeed
  std::chrono::milliseconds not_before_{0};  ///< how long the writer asked to be left alone then
  bool tidies_now_ = false;
  std::uint64_t dropped_ = 0;
  std::uint64_t refused_ = 0;
  notifier appended_;
  notifier progress_;
};

}  // namespace duplexd
