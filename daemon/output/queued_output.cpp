#include "daemon/output/queued_output.hpp"

#include <algorithm>
#include <utility>

#include "daemon/output/output_pauses.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

using config::overflow_policy;

queued_output::queued_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                             std::function<double()> random, const config::output_settings& settings,
                             std::unique_ptr<record_sink> writer)
    : time_(time),
      log_(log),
      random_(std::move(random)),
      name_(settings.name),
      limit_(settings.queue),
      overflow_(settings.overflow),
      writer_(std::move(writer)),
      pauses_(output_pauses),
      appended_(loop),
      progress_(loop) {}

queued_output::queued_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                             std::function<double()> random, const config::output_settings& settings,
                             std::unique_ptr<event_writer> writer)
    : queued_output(loop, time, log, std::move(random), settings,
                    std::make_unique<threaded_sink>(loop, std::move(writer))) {}

void queued_output::drop(std::uint64_t count) {
  if (adds_tellably(dropped_, count)) log_.record("", happening::events_dropped{name_, dropped_});
}

void queued_output::tell_refused(const record_sink::progress& made) {
  if (adds_tellably(refused_, made.refused))
    log_.record("", happening::batch_refused{name_, made.refusal, made.refused, refused_, made.is_kept});
}

// Nothing is dropped of what is being written, and one event alone is always taken.
void queued_output::append(const session_event& happened, std::string_view record) {
  std::string_view text = record;
  if (writer_->wants_values())
    text = happened.what == session_event::kind::reply ? happened.data : happened.line;
  const std::uint64_t size = record_batch::size_of(happened, text);
  if (overflow_ == overflow_policy::drop_newest && waiting() != 0 && waiting() + size > limit_)
    return drop(1);
  if (overflow_ == overflow_policy::drop_oldest) {
    std::uint64_t dropped = 0;
    for (; !waiting_.empty() && waiting() + size > limit_; ++dropped) waiting_.drop_first(1);
    drop(dropped);
  }
  const bool tells = waiting_.empty() || paces_;
  waiting_.add(happened, text);
  if (tells) appended_.notify();
}

bool queued_output::has_room() const noexcept {
  return overflow_ != overflow_policy::block || waiting() < limit_;
}

asio::awaitable<void> queued_output::wait_room() {
  bool go_on = true;
  while (go_on && !has_room()) go_on = co_await progress_.wait();
}

asio::awaitable<void> queued_output::wait_written() {
  bool go_on = true;
  while (go_on && waiting() != 0) go_on = co_await progress_.wait();
}

/// Whether the writer works.
asio::awaitable<bool> queued_output::write() {
  writes_ = true;
  record_sink::progress made = co_await writer_->write(writing_);
  writes_ = false;
  writing_.drop_first(made.written);
  if (made.written > 0) progress_.notify();
  tell_refused(made);
  const bool works = made.failed.empty();
  if (works && !failed_.empty()) log_.record("", happening::output_recovered{name_});
  failed_ = std::move(made.failed);
  not_before_ = made.not_before.value_or(std::chrono::milliseconds{0});
  if (works) pauses_.reset();
  co_return works;
}

asio::awaitable<void> queued_output::pace() {
  paces_ = true;
  co_await writer_->pace(waiting_, appended_);
  paces_ = false;
}

asio::awaitable<void> queued_output::pause() {
  const auto time = std::max(pauses_.next(random_()), not_before_);
  log_.record("", happening::output_failed{name_, failed_, time});
  co_await time_.sleep_for(time);
}

asio::awaitable<void> queued_output::finish(clock::time_point /*until*/) {
  writer_->hurry();
  appended_.notify();
  co_await wait_written();
}

void queued_output::reopen() {
  tidies_now_ = true;
  appended_.notify();
}

asio::awaitable<std::string> queued_output::run() {
  auto tidied = time_.now();
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (writing_.empty() && !waiting_.empty()) co_await pace();
    if (writing_.empty()) std::swap(writing_, waiting_);
    if (writing_.empty() && !tidies_now_) {
      co_await appended_.wait_until(time_, tidied + tidy_interval);
    } else if (!writing_.empty()) {
      const bool works = co_await write();
      if (!works) co_await pause();
    }
    if (std::exchange(tidies_now_, false) || time_.now() - tidied >= tidy_interval) {
      writes_ = true;
      co_await writer_->tidy();
      writes_ = false;
      tidied = time_.now();
    }
    stopped = co_await cancelled();
  }
  writer_->close();
  co_return std::string{};
}

}  // namespace duplexd
