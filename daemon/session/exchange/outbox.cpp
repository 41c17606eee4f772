#include "daemon/session/exchange/outbox.hpp"

#include <algorithm>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "config/value/json_path.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

using config::command_settings;
using config::offline_policy;

outbox::outbox(const asio::any_io_executor& loop, clock& time,
               std::shared_ptr<const config::session_settings> settings, command_keeper* keeper)
    : loop_(loop),
      time_(time),
      settings_(std::move(settings)),
      session_rate_(settings_->rate),
      waiting_(settings_->outbox),
      keeper_(keeper),
      written_(loop),
      queue_changed_(loop) {
  set_rates();
}

void outbox::set_rates() {
  session_rate_ = token_bucket(settings_->rate);
  command_rates_.clear();
  for (const auto& [name, each] : settings_->commands)
    if (each.rate.messages > 0) command_rates_.emplace(name, token_bucket(each.rate));
}

void outbox::replace(std::shared_ptr<const config::session_settings> settings) {
  settings_ = std::move(settings);
  waiting_.limit(settings_->outbox);
  set_rates();
  queue_changed_.notify();
}

void outbox::change(const fate_pointer& fate, command_state state, bool is_end, std::string why) {
  if (is_end && fate->kept != 0) return end_kept(fate, state, std::move(why));
  fate->state = state;
  fate->why = std::move(why);
  fate->has_ended = is_end;
  if (fate->on_change) fate->on_change(*fate);
}

// It is packed in `scratch_`. Its values are kept if something will look at them.
queued_command outbox::queue_form(const fate_pointer& fate, std::shared_ptr<const command_settings> how,
                                  const protocol::message_type& type, const nlohmann::ordered_json& values,
                                  clock::time_point expires) const {
  const std::optional<config::expectation>& confirm = how->confirm;
  const bool needs_values = how->coalesces || (confirm && !confirm->correlate.empty());
  const std::size_t size = scratch_.size() + (needs_values ? values.dump().size() : 0);
  return {.fate = fate,
          .settings = std::move(how),
          .kind = protocol::frame_of(type),
          .bytes = scratch_,
          .values = needs_values ? values : nlohmann::ordered_json{},
          .expires = expires,
          .size = size};
}

// Whoever has it still will submit it again: nothing has become of it.
void outbox::turn_away(const fate_pointer& fate, std::string why) {
  fate->is_given_back = fate->comes_again;
  change(fate, command_state::refused, true, std::move(why));
}

void outbox::take_displaced(const std::vector<fate_pointer>& displaced) {
  for (const fate_pointer& each : displaced)
    change(each, command_state::replaced, true, "a newer command came");
}

// What has a place in the queue and is not in it.
queue_load outbox::beside_queue() const noexcept {
  queue_load sum = accepting_;
  sum.commands += marking_.size();
  for (const queued_command& each : marking_) sum.bytes += each.size;
  return sum;
}

std::shared_ptr<const command_settings> outbox::settings_of(const std::string& command) const {
  static const auto usual = std::make_shared<const command_settings>();
  const auto found = settings_->commands.find(command);
  if (found == settings_->commands.end()) return usual;
  return {settings_, &found->second};
}

void outbox::attach(transport* link, std::function<void()> begin) {
  if (link_ != nullptr) note_written();
  link_ = link;
  begin_ = std::move(begin);
  gate_open_ = false;
  writing_ = false;
  watched_ = false;
  lose_link();
  written_.notify();
  queue_changed_.notify();
}

void outbox::open_gate() noexcept {
  gate_open_ = true;
  if (opened_) opened_();
  drain();
}

bool outbox::send(protocol::frame_view message, bool answer_awaited) {
  if (link_ == nullptr || link_->ended() || link_->unsent() > high_water) return false;
  ++given_.messages;
  given_.bytes += message.bytes.size();
  answer_awaited ? link_->put_and_flush(message) : link_->put(message);
  return true;
}

void outbox::watch_writing() {
  writing_ = true;
  if (begin_ && !std::exchange(watched_, true)) begin_();
}

asio::awaitable<void> outbox::wait_written() {
  if (link_ != nullptr && link_->unsent() != 0) watch_writing();
  bool go_on = true;
  while (go_on && writing_ && link_ != nullptr && !link_->ended()) go_on = co_await written_.wait();
}

clock::time_point outbox::next_turn(const std::string& command, clock::time_point now) const {
  const auto rate = command_rates_.find(command);
  const auto of_session = session_rate_.next(now);
  return rate == command_rates_.end() ? of_session : std::max(of_session, rate->second.next(now));
}

clock::time_point outbox::take_turn(const std::string& command) {
  const auto now = time_.now();
  const auto rate = command_rates_.find(command);
  const auto of_session = session_rate_.take(now);
  return rate == command_rates_.end() ? of_session : std::max(of_session, rate->second.take(now));
}

std::shared_ptr<const submission> outbox::submit(const std::string& command,
                                                 const nlohmann::ordered_json& values,
                                                 std::function<void(const submission&)> on_change,
                                                 command_origin from) {
  auto fate = std::make_shared<submission>();
  fate->command = command;
  fate->id = std::move(from.id);
  fate->source = from.source;
  fate->comes_again = from.comes_again;
  fate->on_change = std::move(on_change);
  const auto refuse = [&](std::string why) {
    change(fate, command_state::refused, true, std::move(why));
    return fate;
  };
  const auto give_back = [&](std::string why) {
    turn_away(fate, std::move(why));
    return fate;
  };
  if (!refusal_.empty()) return give_back(refusal_);
  const auto* type = settings_->protocol->find(protocol::direction::command, command);
  if (type == nullptr) return refuse("the protocol has no such command");
  scratch_.clear();
  if (const auto error = protocol::pack(*type, values, scratch_)) return refuse(error->text());
  const auto how = settings_of(command);
  if (!is_open() && how->offline != offline_policy::queue) return refuse("there is no link");
  queued_command queued = queue_form(fate, how, *type, values, time_.now() + how->ttl);
  if (queued.size > settings_->outbox.size) return refuse("it has more bytes than outbox.size allows");
  if (how->durable && keeper_ != nullptr) {
    keep(std::move(queued), values, std::move(from.source));
    return fate;
  }
  auto verdict = waiting_.push(std::move(queued), beside_queue());
  if (!verdict.accepted) return give_back(no_room);
  take_displaced(verdict.displaced);
  if (fate->on_change) fate->on_change(*fate);
  drain();
  queue_changed_.notify();
  return fate;
}

void outbox::leave(queued_command command) {
  take_turn(command.fate->command);
  ++given_.messages;
  given_.bytes += command.bytes.size();
  link_->put({command.kind, command.bytes});
  leaving_.push_back(std::move(command));
  watch_writing();
}

void outbox::drain() {
  expire();
  while (is_open() && !congested() && marking_.empty()) {
    const queued_command* first = waiting_.front();
    const auto now = time_.now();
    if (first == nullptr || next_turn(first->fate->command, now) > now) return;
    if (first->fate->kept != 0 && !first->is_marked) {
      if (mark_again_ <= now) mark();
      return;
    }
    if (auto next = waiting_.pop()) leave(std::move(*next));
  }
  if (is_open() && congested() && waiting_.size() > 0) watch_writing();  // to go on when the link takes more
}

void outbox::expire() {
  const auto now = time_.now();
  for (const auto& each : waiting_.expire(now))
    change(each, command_state::expired, true, "it waited for too long");
  std::vector<std::shared_ptr<submission>> late;
  std::erase_if(unconfirmed_, [&](const unconfirmed& each) {
    if (each.deadline > now) return false;
    late.push_back(each.fate);
    return true;
  });
  for (const auto& each : late) change(each, command_state::timed_out, true, "no reply confirmed it in time");
}

// What the kernel has taken is written, even if the server closed the link right after. Of a link that broke
// nobody knows what was taken.
void outbox::note_written() {
  const std::optional<link_end>& end = link_->ended();
  const bool broken = end && end->failed;
  if (!writing_ || broken || link_->unsent() != 0) return;
  writing_ = false;
  for (queued_command& each : std::exchange(leaving_, {})) {
    const auto& confirm = each.settings->confirm;
    change(each.fate, command_state::written, !confirm);
    if (!confirm) continue;
    wanted_reply answer{confirm->replies, confirm->where.unresolved()};
    for (const auto& [ours, theirs] : confirm->correlate)
      if (const auto* value = config::find_path(each.values, ours)) answer.equal.emplace_back(theirs, *value);
    unconfirmed_.push_back({each.fate, std::move(answer), time_.now() + confirm->timeout});
    if (each.fate->kept != 0 && each.settings->idempotent)
      unconfirmed_.back().again = std::make_shared<queued_command>(std::move(each));
    queue_changed_.notify();
  }
  written_.notify();
}

void outbox::see(const std::string& reply, const nlohmann::ordered_json& data, std::string_view json) {
  // The reply to a command may come in the very turn in which the kernel took the command.
  if (link_ != nullptr && !link_->ended()) note_written();
  const auto found = std::ranges::find_if(
      unconfirmed_, [&](const unconfirmed& each) { return each.answer.fits(reply, data); });
  if (found == unconfirmed_.end()) return;
  const auto fate = found->fate;
  unconfirmed_.erase(found);
  fate->reply = reply;
  fate->data = json;
  change(fate, command_state::confirmed, true);
  fate->data.clear();
}

clock::time_point outbox::next_check() const {
  auto next = waiting_.next_expiry().value_or(clock::time_point::max());
  for (const unconfirmed& each : unconfirmed_) next = std::min(next, each.deadline);
  if (is_open() && !congested() && marking_.empty())
    if (const queued_command* first = waiting_.front()) {
      const bool marks = first->fate->kept != 0 && !first->is_marked;
      const auto turn = next_turn(first->fate->command, time_.now());
      next = std::min(next, marks ? std::max(turn, mark_again_) : turn);
    }
  return next;
}

void outbox::give_up() {
  refusal_ = "the session has ended";
  given_up_ = true;
  expire();
  leave_kept();
  while (auto each = waiting_.pop())
    if (each->fate->kept == 0) change(each->fate, command_state::refused, true, "the session has ended");
}

// It begins in another turn: whoever sends is not called back from within.
asio::awaitable<void> outbox::run_link() {
  co_await asio::post(loop_, asio::deferred);
  bool stopped = co_await cancelled();
  while (!stopped && writing_ && !link_->ended()) {
    co_await link_->wait_sent();
    note_written();
    if (waiting_.size() > 0) drain();
    stopped = co_await cancelled();
  }
  watched_ = false;
}

asio::awaitable<void> outbox::run() {
  while (!co_await cancelled()) {
    drain();
    const auto next = next_check();
    co_await queue_changed_.wait_until(time_, next);
  }
}

}  // namespace duplexd
