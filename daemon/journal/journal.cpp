#include "daemon/journal/journal.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "daemon/journal/command_store.hpp"
#include "daemon/journal/journal_work.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

using config::journal_policy;

namespace {
constexpr config::backoff_settings commit_pauses{.initial = std::chrono::milliseconds{200},
                                                 .maximum = std::chrono::milliseconds{5'000},
                                                 .jitter = config::jitter_kind::half};
}  // namespace

journal::journal(const asio::any_io_executor& loop, clock& time, telemetry& log,
                 std::function<double()> random, const config::journal_settings& settings,
                 std::unique_ptr<journal_file> file)
    : time_(time),
      log_(log),
      random_(std::move(random)),
      settings_(settings),
      file_(std::move(file)),
      id_(file_->id()),
      last_at_start_(file_->last()),
      last_(last_at_start_),
      variables_(file_->stored_variables()),
      committed_(last_at_start_),
      tidied_(time.now()),
      pauses_(commit_pauses),
      wake_(loop),
      changed_(loop),
      thread_(loop) {}

journal::stream journal::add(const std::string& output) {
  stream_state& made = streams_.emplace_back();
  made.output = output;
  made.journaled = file_->last_of(output);
  made.place = made.stored = file_->place_of(output);
  return streams_.size() - 1;
}

journal_file::outcome journal::attach(journal_work& more, std::vector<kept_command>& found) {
  more_ = &more;
  return command_store::load(*file_, found);
}

journal::stream_state* journal::find(const std::string& output) {
  const auto found = std::ranges::find(streams_, output, &stream_state::output);
  return found == streams_.end() ? nullptr : &*found;
}

journal_row& journal::open_row(stream_state& of) {
  if (of.open == none || waiting_[of.open].records.size() >= journal_row::enough) {
    of.open = waiting_.size();
    waiting_.emplace_back().output = of.output;
  }
  return waiting_[of.open];
}

void journal::append(stream to, const session_event& happened, std::string_view text) {
  stream_state& mine = streams_[to];
  const bool drops = settings_.full == journal_policy::drop_oldest;
  while (drops && bytes_ >= buffer_limit && drop_waiting()) {
  }
  if (bytes_ == 0) wake_.notify();
  const bool was_enough = bytes_ >= journal_plan::commit_bytes;
  journal_row& row = open_row(mine);
  const std::size_t before = row.records.size();
  append_record(row, ++last_, happened, text);
  const std::size_t size = row.records.size() - before;
  mine.buffered += size;
  bytes_ += size;
  if (!was_enough && bytes_ >= journal_plan::commit_bytes) wake_.notify();
}

void journal::drop(stream_state& from, std::uint64_t count) {
  const bool tell = std::bit_width(from.dropped) != std::bit_width(from.dropped + count);
  from.dropped += count;
  if (tell) log_.record("", happening::events_dropped{from.output, from.dropped});
}

// The file takes nothing, and memory has its limit. What is being committed stays.
bool journal::drop_waiting() {
  for (stream_state& each : streams_) each.open = none;
  const auto drop_row = [this](const journal_row& row) {
    bytes_ -= row.records.size();
    if (stream_state* const of = find(row.output)) {
      of->buffered -= row.records.size();
      drop(*of, row.count);
    }
  };
  if (!left_.empty()) {
    drop_row(left_.front());
    left_.erase(left_.begin());
  } else if (!waiting_.empty()) {
    drop_row(waiting_.front());
    waiting_.pop_front();
  } else {
    return false;
  }
  return true;
}

bool journal::has_room() const noexcept {
  return settings_.full == journal_policy::drop_oldest || bytes_ < buffer_limit;
}

asio::awaitable<void> journal::wait_room() {
  bool go_on = true;
  while (go_on && !has_room()) go_on = co_await changed_.wait();
}

void journal::ask(stream from, std::uint64_t after) {
  if (streams_[from].asked || streams_[from].given) return;
  streams_[from].asked = after;
  if (wants_reading(streams_[from])) wake_.notify();
}

std::optional<journal::batch> journal::take_batch(stream from) {
  return std::exchange(streams_[from].given, std::nullopt);
}

void journal::forget(stream from) {
  streams_[from].asked.reset();
  streams_[from].given.reset();
}

void journal::taken(stream from, std::uint64_t number) {
  stream_state& mine = streams_[from];
  mine.place = std::max(mine.place, number);
  changed_.notify();
  if (mine.place == mine.stored) return;
  if (full_) work_.retry = time_.now();
  if (!work_.places || full_) wake_.notify();
  work_.places = true;
}

void journal::keep(const std::string& session, const std::string& variable, std::string value) {
  journal_file::variable_key key{session, variable};
  variables_[key] = std::move(value);
  note_set(std::move(key));
}

void journal::forget(const std::string& session, const std::string& variable) {
  journal_file::variable_key key{session, variable};
  if (variables_.erase(key) > 0) note_set(std::move(key));
}

void journal::note_set(journal_file::variable_key key) {
  set_.insert(std::move(key));
  if (!work_.places) wake_.notify();
  work_.places = true;
}

std::map<std::string, std::string> journal::kept(const std::string& session) const {
  std::map<std::string, std::string> found;
  for (auto each = variables_.lower_bound({session, ""}); each != variables_.end(); ++each) {
    if (each->first.first != session) break;
    found.emplace(each->first.second, each->second);
  }
  return found;
}

// An output that has taken all that it was given lacks nothing up to the last number of all.
std::uint64_t journal::taken_by(const std::string& output) const {
  const auto found = std::ranges::find(streams_, output, &stream_state::output);
  if (found == streams_.end()) return 0;
  return found->buffered == 0 && found->place >= found->journaled ? last_ : found->place;
}

asio::awaitable<void> journal::wait_committed() {
  co_await changed_.wait();
}

bool journal::is_settled(stream of) const noexcept {
  return streams_[of].buffered == 0 && streams_[of].place == streams_[of].stored;
}

bool journal::is_drained(stream of) const noexcept {
  return streams_[of].place >= streams_[of].journaled;
}

// An output that asks waits until there is something for it.
bool journal::wants_reading(const stream_state& of) noexcept {
  return of.asked && *of.asked < of.journaled;
}

clock::time_point journal::next_turn() const {
  journal_plan::waiting_work work = work_;
  work.bytes = bytes_;
  const auto tidy = tidied_ + tidy_interval;
  const bool reads = std::ranges::any_of(streams_, wants_reading);
  const auto more = more_ == nullptr ? tidy : more_->due();
  return std::min({journal_plan::commit_due(work).value_or(tidy), tidy, reads ? read_again_ : tidy, more});
}

journal::turn_work journal::plan(clock::time_point now, bool all) {
  turn_work made;
  work_.bytes = bytes_;
  const auto due = journal_plan::commit_due(work_);
  made.commits = due && (all || *due <= now);
  made.tidies = now >= tidied_ + tidy_interval;
  for (stream i = 0; i < streams_.size(); ++i) {
    stream_state& each = streams_[i];
    if (each.asked && wants_reading(each) && now >= read_again_)
      made.readings.push_back(
          {.from = i, .after = *each.asked, .journaled = each.journaled, .read = {}, .made = {}});
    if (!made.commits) continue;
    each.open = none;
    if (each.place != each.stored) made.moved[each.output] = each.place;
  }
  if (!made.commits) return made;
  made.rows = std::exchange(left_, {});
  for (journal_row& row : waiting_) made.rows.push_back(std::move(row));
  waiting_.clear();
  for (const auto& key : std::exchange(set_, {})) {
    const auto value = variables_.find(key);
    made.set.emplace(key, value == variables_.end() ? "" : value->second);
  }
  work_.committed = now;
  work_.places = false;
  return made;
}

// On the thread.
void journal::work_off(turn_work& work, journal_file::wall_time now) {
  if (work.commits) work.committed = file_->commit(work.rows, work.moved, now, work.set);
  for (auto& each : work.readings) {
    each.made = file_->read(streams_[each.from].output, each.after, batch_bytes, each.read.records);
    each.read.reached = each.made.end ? std::max(each.made.reached, each.journaled) : each.made.reached;
  }
  if (work.tidies) file_->tidy(now);
  if (more_ != nullptr) more_->work(*file_);
}

void journal::note_committed() {
  std::uint64_t all = last_;
  for (const journal_row& row : left_) all = std::min(all, row.first - 1);
  for (const journal_row& row : waiting_) all = std::min(all, row.first - 1);
  committed_ = std::max(committed_, all);
}

// Returns when it is to be tried again.
clock::duration journal::fail(const journal_file::outcome& made) {
  failed_ = made.failed;
  broken_ |= made.broken;
  const auto pause = pauses_.next(random_());
  if (!broken_) log_.record("", happening::journal_failed{failed_, pause});
  return pause;
}

void journal::take_commit(turn_work& work) {
  const journal_file::outcome& made = work.committed;
  for (std::size_t i = 0; i < work.rows.size(); ++i) {
    journal_row& row = work.rows[i];
    if (i >= made.rows) {
      left_.push_back(std::move(row));
      continue;
    }
    bytes_ -= row.records.size();
    if (stream_state* const of = find(row.output)) {
      of->buffered -= row.records.size();
      of->journaled = row.last;
    }
  }
  if (!made.failed.empty() || made.full)
    for (const auto& [key, value] : work.set) set_.insert(key);
  note_committed();
  if (!made.failed.empty()) {
    work_.places |= !work.moved.empty() || !work.set.empty();
    work_.failing = true;
    work_.retry = time_.now() + fail(made);
    return;
  }
  for (const auto& [output, number] : work.moved)
    if (stream_state* const of = find(output)) of->stored = number;
  for (const auto& [output, count] : made.dropped)
    if (stream_state* const of = find(output)) drop(*of, count);
  if (made.full && !full_) log_.record("", happening::journal_full{settings_.size});
  if (!made.full && (full_ || !failed_.empty())) log_.record("", happening::journal_recovered{});
  full_ = made.full;
  work_.places |= full_ && !set_.empty();
  failed_.clear();
  pauses_.reset();
  work_.failing = full_;
  work_.retry = time_.now() + full_interval;
}

void journal::take(turn_work& work) {
  if (work.commits) take_commit(work);
  for (auto& each : work.readings) {
    stream_state& to = streams_[each.from];
    for (const auto& [output, count] : each.made.dropped) drop(to, count);
    if (each.made.failed.empty()) {
      if (to.asked != each.after) continue;  // it was forgotten
      to.asked.reset();
      to.given = std::move(each.read);
    } else {
      read_again_ = time_.now() + fail(each.made);
    }
  }
  if (more_ != nullptr)
    if (const journal_file::outcome made = more_->finish(); made.broken) {
      broken_ = true;
      failed_ = made.failed;
    }
  changed_.notify();
}

asio::awaitable<void> journal::turn(bool all) {
  const auto now = time_.now();
  turn_work work = plan(now, all);
  if (more_ != nullptr) more_->begin(all);
  if (work.tidies) tidied_ = now;
  const auto wall = time_.wall();
  std::function<void()> does = [&] { work_off(work, wall); };
  co_await thread_.run(std::move(does));
  take(work);
}

asio::awaitable<std::string> journal::run() {
  bool stopped = co_await cancelled();
  while (!stopped && !broken_) {
    const auto next = next_turn();
    if (next <= time_.now())
      co_await turn(false);
    else
      co_await wake_.wait_until(time_, next);
    stopped = co_await cancelled();
  }
  if (!broken_) co_await turn(true);
  if (!broken_) co_await thread_.run([this] { file_->close(); });
  changed_.notify();
  co_return broken_ ? failed_ : "";
}

}  // namespace duplexd
