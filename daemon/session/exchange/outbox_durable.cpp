// The part of the outbox for durable commands: what is on the disk before it is done, or told.
#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/session/exchange/outbox.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

// It is told when it is on the disk: whatever happens to the process, nobody hears of two ends.
void outbox::end_kept(const fate_pointer& fate, command_state state, std::string why) {
  const std::uint64_t number = fate->kept;
  command_keeper::ending how{name_of(state), why, fate->reply, fate->data};
  auto told = [fate, state, why = std::move(why), data = fate->data](const std::string&) {
    fate->state = state;
    fate->why = why;
    fate->has_ended = true;
    fate->data = data;
    if (fate->on_change) fate->on_change(*fate);
    fate->data.clear();
  };
  keeper_->end(number, std::move(how), unless_gone(std::move(told)));
}

void outbox::keep(queued_command command, const nlohmann::ordered_json& values, std::string source) {
  const fate_pointer fate = command.fate;
  if (!waiting_.has_room(command.size, beside_queue())) return turn_away(fate, no_room);
  kept_command what{.session = settings_->name,
                    .source = std::move(source),
                    .id = fate->id,
                    .command = fate->command,
                    .values = values.dump(),
                    .accepted = time_.wall(),
                    .ttl = command.settings->ttl};
  fate->state = command_state::received;
  const std::size_t size = command.size;
  auto told = [this, command = std::move(command)](const std::string& failed) { take_kept(command, failed); };
  std::string error;
  fate->kept = keeper_->accept(std::move(what), error, unless_gone(std::move(told)));
  if (fate->kept == 0) return turn_away(fate, error);
  ++accepting_.commands;
  accepting_.bytes += size;
  if (fate->on_change) fate->on_change(*fate);
}

// After the end of the session it stays on the disk.
void outbox::take_kept(queued_command command, const std::string& failed) {
  --accepting_.commands;
  accepting_.bytes -= command.size;
  const fate_pointer fate = command.fate;
  if (!failed.empty()) {
    fate->kept = 0;
    return turn_away(fate, failed);
  }
  fate->state = command_state::queued;
  if (fate->on_change) fate->on_change(*fate);
  if (given_up_) return;
  take_displaced(waiting_.push_accepted(std::move(command)));
  drain();
  queue_changed_.notify();
}

std::shared_ptr<const submission> outbox::restore(const kept_command& what,
                                                  std::function<void(const submission&)> on_change) {
  auto fate = std::make_shared<submission>();
  fate->command = what.command;
  fate->id = what.id;
  fate->source = what.source;
  fate->kept = what.number;
  fate->on_change = std::move(on_change);
  const auto how = settings_of(what.command);
  const auto end = [&](command_state state, std::string why) {
    change(fate, state, true, std::move(why));
    return fate;
  };
  const bool was_sending = what.at == kept_command::stage::sending;
  if (was_sending && !how->idempotent)
    return end(command_state::unknown, "the daemon ended while it was being sent");
  if (was_sending && what.attempts >= most_attempts)
    return end(command_state::refused, "quarantined: its connection ended four times before its own end");
  const auto left = time_left(what, time_.wall());
  if (left.count() == 0) return end(command_state::expired, "it waited for too long");
  const auto* type = settings_->protocol->find(protocol::direction::command, what.command);
  if (type == nullptr) return end(command_state::refused, "the protocol has no such command any more");
  nlohmann::ordered_json values;
  if (protocol::parse_json(what.values, values)) return end(command_state::refused, "its values are damaged");
  scratch_.clear();
  if (const auto error = protocol::pack(*type, values, scratch_))
    return end(command_state::refused, error->text());
  if (was_sending) keeper_->unmark(what.number, true);
  waiting_.put_back(queue_form(fate, how, *type, values, time_.now() + left));
  if (fate->on_change) fate->on_change(*fate);
  queue_changed_.notify();
  return fate;
}

bool outbox::cancel(std::string_view source, std::string_view id) {
  const auto found = waiting_.take(source, id);
  if (found) change(found->fate, command_state::refused, true, "cancelled");
  return found.has_value();
}

// Those at the front of the queue that may leave now.
void outbox::mark() {
  const std::size_t most = has_rates() ? 1 : most_marks;
  const auto is_next = [this] {
    const queued_command* first = waiting_.front();
    return first != nullptr && first->fate->kept != 0 && !first->is_marked;
  };
  while (marking_.size() < most && is_next())
    if (auto next = waiting_.pop()) marking_.push_back(std::move(*next));
  unmarked_ = marking_.size();
  for (const queued_command& each : marking_)
    keeper_->mark(each.fate->kept, unless_gone([this](const std::string& failed) { take_marks(failed); }));
}

// They are all in one commit.
void outbox::take_marks(const std::string& failed) {
  if (unmarked_ == 0 || --unmarked_ > 0) return;
  std::vector<queued_command> all = std::exchange(marking_, {});
  const bool is_marked = failed.empty() && is_open();
  for (auto each = all.rbegin(); each != all.rend(); ++each) {
    if (!is_marked) keeper_->unmark(each->fate->kept, false);
    each->is_marked = is_marked;
    waiting_.put_first(std::move(*each));
  }
  if (!failed.empty()) mark_again_ = time_.now() + mark_pause;
  drain();
  queue_changed_.notify();
}

// Their bytes have not left.
void outbox::unmark_waiting() {
  if (keeper_ == nullptr) return;
  waiting_.for_each([this](queued_command& each) {
    if (std::exchange(each.is_marked, false)) keeper_->unmark(each.fate->kept, false);
  });
}

// Durable commands that wait when the session ends are queued again by the next run.
void outbox::leave_kept() {
  unmark_waiting();
  for (const queued_command& each : std::exchange(marking_, {})) keeper_->unmark(each.fate->kept, false);
}

// Of what was leaving nobody knows whether it arrived; a durable command that may be sent again is.
void outbox::lose_link() {
  std::vector<queued_command> left;
  for (queued_command& each : std::exchange(leaving_, {}))
    if (each.fate->kept != 0 && each.settings->idempotent)
      left.push_back(std::move(each));
    else
      change(each.fate, command_state::unknown, true, "the link ended while it was leaving");
  std::vector<queued_command> again;
  for (const unconfirmed& each : std::exchange(unconfirmed_, {}))
    if (each.again != nullptr)
      again.push_back(std::move(*each.again));
    else
      change(each.fate, command_state::unknown, true, "the link ended before it was confirmed");
  std::ranges::move(left, std::back_inserter(again));
  unmark_waiting();
  for (auto each = again.rbegin(); each != again.rend(); ++each) {
    const fate_pointer fate = each->fate;
    if (keeper_->attempts(fate->kept) >= most_attempts) {
      change(fate, command_state::refused, true,
             "quarantined: its connection ended four times before its own end");
      continue;
    }
    keeper_->unmark(fate->kept, true);
    each->is_marked = false;
    fate->state = command_state::queued;
    waiting_.put_first(std::move(*each));
  }
}

}  // namespace duplexd
