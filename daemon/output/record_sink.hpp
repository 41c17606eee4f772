#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <utility>

#include "daemon/output/event_writer.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

/// Where the records of a queue go. Used on the loop; one call at a time.
class record_sink {
 public:
  using progress = event_writer::progress;

  record_sink() = default;
  record_sink(const record_sink&) = delete;
  record_sink& operator=(const record_sink&) = delete;
  virtual ~record_sink() = default;

  /// Takes records, from the first on. Without a failure it is given the rest at once, so it waits while it
  /// can take none. May be cancelled.
  virtual asio::awaitable<progress> write(const record_batch& records) = 0;

  /// Suspends while it is too early to be given what is waiting; `changed` is notified when more is. May be
  /// cancelled.
  virtual asio::awaitable<void> pace(const record_batch& /*waiting*/, notifier& /*changed*/) { co_return; }

  /// From now on it is never too early.
  virtual void hurry() {}

  /// Nothing more will be written: what would keep the loop at work is let go of.
  virtual void close() noexcept {}

  /// See event_writer.
  virtual asio::awaitable<void> tidy() { co_return; }
  [[nodiscard]] virtual bool wants_values() const noexcept { return false; }
};

/// A writer whose calls block, on a thread of its own.
class threaded_sink final : public record_sink {
 public:
  threaded_sink(const asio::any_io_executor& loop, std::unique_ptr<event_writer> writer)
      : writer_(std::move(writer)), thread_(loop) {}

  asio::awaitable<progress> write(const record_batch& records) override {
    progress made;
    co_await thread_.run([&] { made = writer_->write(records); });
    const bool all = made.written == records.size();
    if (all) made.failed.clear();
    if (!all && made.failed.empty()) made.failed = "it takes nothing";
    co_return made;
  }
  asio::awaitable<void> tidy() override {
    co_await thread_.run([this] { writer_->tidy(); });
  }
  [[nodiscard]] bool wants_values() const noexcept override { return writer_->wants_values(); }

 private:
  std::unique_ptr<event_writer> writer_;
  worker thread_;
};

}  // namespace duplexd
