#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

/// An output that gets its events from the journal (docs/durability.md): what was committed there is written
/// here, even if the process was killed in between. What the writer does not take is tried again with growing
/// pauses, for ever.
class durable_output final : public output {
 public:
  /// `from` outlives this.
  durable_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                 std::function<double()> random, const config::output_settings& settings,
                 std::unique_ptr<event_writer> writer, journal& from);

  void append(const session_event& happened, std::string_view record) override;
  [[nodiscard]] bool has_room() const noexcept override { return from_.has_room(); }
  asio::awaitable<void> wait_room() override { return from_.wait_room(); }
  /// Ends only when cancelled.
  asio::awaitable<std::string> run() override;
  /// Until all is in the journal, and here, unless the writer fails at present: what is in the journal is not
  /// lost.
  asio::awaitable<void> wait_written() override;
  void reopen() override;
  /// Bytes that are not even in the journal.
  [[nodiscard]] std::size_t waiting() const noexcept override { return from_.buffered(mine_); }
  [[nodiscard]] bool at_work() const noexcept override { return thread_.busy(); }
  [[nodiscard]] std::string held_up() const override { return from_.held_up(); }

  /// How often `event_writer::tidy` is called.
  static constexpr std::chrono::seconds tidy_interval{60};

 private:
  asio::awaitable<void> resume();
  asio::awaitable<void> write();
  asio::awaitable<void> fail(std::string why);

  clock& time_;
  telemetry& log_;
  std::function<double()> random_;
  std::string name_;
  std::unique_ptr<event_writer> writer_;
  journal& from_;
  journal::stream mine_;
  worker thread_;
  backoff pauses_;
  bool resumed_ = false;
  bool keeps_place_ = false;   ///< the target does
  std::uint64_t at_ = 0;       ///< the number of the last record that was taken
  std::uint64_t reached_ = 0;  ///< there is none left in the journal up to this one, but those of `batch_`
  std::uint64_t given_ = 0;    ///< the target cannot know a number beyond this one
  record_batch batch_;
  std::string failed_;
  std::uint64_t refused_ = 0;  ///< events, by the target
  bool tidies_now_ = false;
};

}  // namespace duplexd
