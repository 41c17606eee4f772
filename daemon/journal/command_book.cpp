#include "daemon/journal/command_book.hpp"

#include <algorithm>
#include <utility>

namespace duplexd {
namespace {

std::string cannot_write(const std::string& why) {
  return "the journal cannot be written: " + why;
}

}  // namespace

command_book::command_book(const boost::asio::any_io_executor& loop, clock& time, telemetry& log,
                           journal& where, std::chrono::milliseconds remember)
    : time_(time), log_(log), where_(where), remember_(remember), changed_(loop) {
  std::vector<kept_command> found;
  made_ = where.attach(*this, found);
  failed_ = made_.failed;
  for (kept_command& each : found) {
    last_ = std::max(last_, each.number);
    numbers_[key(each.session, each.source, each.id)] = each.number;
    bytes_ += cost(each);
    if (each.at == kept_command::stage::ended) ended_.push_back(each.number);
    all_.emplace(each.number, std::move(each));
  }
  std::ranges::sort(ended_, {},
                    [this](std::uint64_t number) { return std::pair(all_.at(number).ended, number); });
}

std::size_t command_book::cost(const kept_command& of) noexcept {
  constexpr std::size_t of_containers = 300;
  return of.session.size() + of.source.size() + 2 * of.id.size() + of.command.size() + of.values.size() +
         of.why.size() + of.reply.size() + of.data.size() + of_containers;
}

std::string command_book::key(const std::string& session, const std::string& source, const std::string& id) {
  std::string made = session;
  made += '\0';
  made += source;
  made += '\0';
  return made += id;
}

void command_book::forget(std::uint64_t number) {
  const auto found = all_.find(number);
  bytes_ -= cost(found->second);
  numbers_.erase(key(found->second.session, found->second.source, found->second.id));
  all_.erase(found);
  ending_.erase(number);
  dirty_.erase(number);
  forgotten_.insert(number);
}

void command_book::forget_old() {
  const auto before = time_.wall() - remember_;
  while (!ended_.empty() && all_.at(ended_.front()).ended <= before) {
    forget(ended_.front());
    ended_.pop_front();
  }
}

const kept_command* command_book::find(const std::string& session, const std::string& source,
                                       const std::string& id) {
  forget_old();
  const auto found = numbers_.find(key(session, source, id));
  return found == numbers_.end() ? nullptr : &all_.at(found->second);
}

std::vector<kept_command> command_book::open_of(const std::string& session) const {
  std::vector<kept_command> found;
  for (const auto& [number, each] : all_)
    if (each.session == session && each.at != kept_command::stage::ended) found.push_back(each);
  return found;
}

std::vector<kept_command> command_book::ended() const {
  std::vector<kept_command> found;
  for (const std::uint64_t number : ended_) found.push_back(all_.at(number));
  return found;
}

void command_book::note(std::uint64_t number, waiter who) {
  dirty_.insert(number);
  if (who.told) waiting_.push_back(std::move(who));
  where_.wake();
}

std::uint64_t command_book::accept(kept_command what, std::string& error, done told) {
  // What was refused is deleted with the next attempt: so much of it, and no more is tried.
  if (!failed_.empty() && forgotten_.size() + writing_.forgotten.size() >= most_forgotten) {
    error = cannot_write(failed_);
    return 0;
  }
  forget_old();
  const std::size_t more = cost(what);
  while (all_.size() >= most_commands || bytes_ + more > most_bytes) {
    if (ended_.empty()) {
      error = "there is no room for more durable commands";
      return 0;
    }
    forget(ended_.front());
    ended_.pop_front();
  }
  const std::uint64_t number = what.number = ++last_;
  bytes_ += more;
  numbers_[key(what.session, what.source, what.id)] = number;
  all_.emplace(number, std::move(what));
  note(number, {kind::accept, number, std::move(told)});
  return number;
}

void command_book::mark(std::uint64_t number, done told) {
  kept_command& what = all_.at(number);
  what.at = kept_command::stage::sending;
  ++what.attempts;
  note(number, {kind::mark, number, std::move(told)});
}

void command_book::unmark(std::uint64_t number, bool was_sent) {
  kept_command& what = all_.at(number);
  what.at = kept_command::stage::accepted;
  if (!was_sent) --what.attempts;
  note(number, {kind::mark, number, {}});
}

std::uint32_t command_book::attempts(std::uint64_t number) const {
  return all_.at(number).attempts;
}

void command_book::end(std::uint64_t number, ending how, done told) {
  kept_command& what = all_.at(number);
  bytes_ -= cost(what);
  what.at = kept_command::stage::ended;
  what.end = std::move(how.state);
  what.why = std::move(how.why);
  what.reply = std::move(how.reply);
  if (how.data.size() <= largest_data) what.data = std::move(how.data);
  what.ended = time_.wall();
  what.values.clear();
  bytes_ += cost(what);
  ending_.insert(number);
  note(number, {kind::end, number, std::move(told)});
}

boost::asio::awaitable<void> command_book::wait_idle() {
  bool go_on = true;
  while (go_on && !is_idle() && failed_.empty()) go_on = co_await changed_.wait();
}

clock::time_point command_book::due() const {
  if (dirty_.empty() && forgotten_.empty()) return clock::time_point::max();
  return failed_.empty() ? clock::time_point::min() : retry_;
}

void command_book::begin(bool all) {
  if (is_idle() || (!all && due() > time_.now())) return;
  working_ = true;
  for (const std::uint64_t number : dirty_) writing_.rows.push_back(all_.at(number));
  writing_.forgotten.assign(forgotten_.begin(), forgotten_.end());
  dirty_.clear();
  forgotten_.clear();
  written_ = std::exchange(waiting_, {});
}

void command_book::work(journal_file& file) {
  if (working_) made_ = command_store::write(file, writing_);
}

// Nobody knows whether it has reached the disk: what is refused is deleted there.
void command_book::take_failure() {
  if (failed_.empty()) log_.record("", happening::journal_failed{made_.failed, pause});
  failed_ = made_.failed;
  retry_ = time_.now() + pause;
  const command_store::changes again = std::exchange(writing_, {});
  forgotten_.insert(again.forgotten.begin(), again.forgotten.end());
  for (const kept_command& each : again.rows)
    if (all_.contains(each.number)) dirty_.insert(each.number);
  std::vector<waiter> ends;
  const std::string why = cannot_write(failed_);
  for (waiter& each : std::exchange(written_, {})) {
    if (each.what == kind::end) {
      ends.push_back(std::move(each));
      continue;
    }
    if (each.what == kind::accept) forget(each.number);
    each.told(why);
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(ends.begin()),
                  std::make_move_iterator(ends.end()));
}

journal_file::outcome command_book::finish() {
  if (!std::exchange(working_, false)) return {};
  const journal_file::outcome made = made_;
  if (!made.failed.empty()) {
    take_failure();
  } else {
    if (!failed_.empty()) log_.record("", happening::journal_recovered{});
    failed_.clear();
    for (const kept_command& each : writing_.rows) {
      if (each.at != kept_command::stage::ended) continue;
      ended_.push_back(each.number);
      ending_.erase(each.number);
    }
    writing_ = {};
    for (const waiter& each : std::exchange(written_, {})) each.told("");
  }
  changed_.notify();
  return made;
}

}  // namespace duplexd
