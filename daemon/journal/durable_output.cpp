#include "daemon/journal/durable_output.hpp"

#include <algorithm>
#include <utility>

#include "daemon/output/output_pauses.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

durable_output::durable_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                               std::function<double()> random, const config::output_settings& settings,
                               std::unique_ptr<event_writer> writer, journal& from)
    : time_(time),
      log_(log),
      random_(std::move(random)),
      name_(settings.name),
      writer_(std::move(writer)),
      from_(from),
      mine_(from.add(settings.name)),
      thread_(loop),
      pauses_(output_pauses),
      given_(from.last_at_start()) {}

void durable_output::append(const session_event& happened, std::string_view record) {
  std::string_view text = record;
  if (writer_->wants_values())
    text = happened.what == session_event::kind::reply ? happened.data : happened.line;
  from_.append(mine_, happened, text);
}

asio::awaitable<void> durable_output::wait_written() {
  const auto is_done = [this] {
    const bool rests = !failed_.empty() || from_.is_drained(mine_);
    return from_.is_broken() || (rests && from_.is_settled(mine_));
  };
  bool go_on = true;
  while (go_on && !is_done()) go_on = co_await from_.changed().wait();
}

void durable_output::reopen() {
  tidies_now_ = true;
  from_.changed().notify();
}

asio::awaitable<void> durable_output::fail(std::string why) {
  failed_ = std::move(why);
  from_.changed().notify();
  const auto time = pauses_.next(random_());
  log_.record("", happening::output_failed{name_, failed_, time});
  co_await time_.sleep_for(time);
}

asio::awaitable<void> durable_output::resume() {
  from_.forget(mine_);
  event_writer::target_place found;
  co_await thread_.run([&] { found = writer_->find_place(from_.id()); });
  if (!found.failed.empty()) {
    co_await fail(std::move(found.failed));
    co_return;
  }
  keeps_place_ = found.is_kept;
  at_ = journal_plan::resume_after(from_.place_of(mine_), found.is_kept, found.number, given_);
  reached_ = at_;
  from_.taken(mine_, at_);
  resumed_ = true;
}

// After a failure nobody knows what the target has kept: if it tells, it is asked again.
asio::awaitable<void> durable_output::write() {
  from_.ask(mine_, reached_);  // the next ones are read while these are written
  event_writer::progress made;
  co_await thread_.run([&] { made = writer_->write(batch_); });
  if (adds_tellably(refused_, made.refused))
    log_.record("", happening::batch_refused{name_, made.refusal, made.refused, refused_, made.is_kept});
  if (made.written > 0) {
    at_ = batch_[made.written - 1].number;
    batch_.drop_first(made.written);
  }
  if (batch_.empty()) at_ = std::max(at_, reached_);
  from_.taken(mine_, at_);
  if (batch_.empty()) {
    pauses_.reset();
    if (!std::exchange(failed_, "").empty()) log_.record("", happening::output_recovered{name_});
    co_return;
  }
  if (keeps_place_) {
    resumed_ = false;
    batch_ = {};
  }
  if (made.failed.empty()) made.failed = "it takes nothing";
  co_await fail(std::move(made.failed));
}

asio::awaitable<std::string> durable_output::run() {
  auto tidied = time_.now();
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (!resumed_) {
      co_await resume();
    } else if (!batch_.empty()) {
      co_await write();
    } else if (auto given = from_.take_batch(mine_)) {
      batch_ = std::move(given->records);
      reached_ = given->reached;
      given_ = std::max(given_, reached_);
      if (batch_.empty()) {
        at_ = std::max(at_, reached_);
        from_.taken(mine_, at_);
      }
    } else {
      from_.ask(mine_, at_);
      if (!tidies_now_) co_await from_.changed().wait_until(time_, tidied + tidy_interval);
    }
    if (std::exchange(tidies_now_, false) || time_.now() - tidied >= tidy_interval) {
      co_await thread_.run([this] { writer_->tidy(); });
      tidied = time_.now();
    }
    stopped = co_await cancelled();
  }
  co_return std::string{};
}

}  // namespace duplexd
