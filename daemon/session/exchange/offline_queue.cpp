#include "daemon/session/exchange/offline_queue.hpp"

#include <algorithm>

#include "config/value/json_path.hpp"

namespace duplexd {

namespace {

/// Whether `newer` takes the place of `older`: the same command with equal values in the fields named.
bool coalesces(const queued_command& newer, const queued_command& older) {
  if (newer.settings == nullptr || !newer.settings->coalesces) return false;
  if (newer.fate->command != older.fate->command) return false;
  return std::ranges::all_of(newer.settings->coalesce, [&](const std::string& field) {
    const auto* mine = config::find_path(newer.values, field);
    const auto* other = config::find_path(older.values, field);
    return mine == other || (mine != nullptr && other != nullptr && *mine == *other);
  });
}

}  // namespace

bool offline_queue::has_room(std::size_t bytes, const queue_load& others) const noexcept {
  if (bytes > settings_.size) return false;
  return settings_.drop_oldest || (waiting_.size() + others.commands < settings_.max &&
                                   bytes_ + others.bytes + bytes <= settings_.size);
}

// Takes the place of one that it makes needless, or the last one; the oldest make room, if they are to.
std::vector<std::shared_ptr<submission>> offline_queue::push_accepted(queued_command command) {
  const auto same = find_needless(command);
  if (same != waiting_.end() && bytes_ - same->size + command.size <= settings_.size) {
    std::vector displaced{same->fate};
    bytes_ += command.size - same->size;
    *same = std::move(command);
    return displaced;
  }
  std::vector<std::shared_ptr<submission>> displaced;
  if (same != waiting_.end()) displaced.push_back(take(same).fate);
  while (settings_.drop_oldest && !waiting_.empty() &&
         (waiting_.size() >= settings_.max || bytes_ + command.size > settings_.size))
    displaced.push_back(take(waiting_.begin()).fate);
  put_back(std::move(command));
  return displaced;
}

offline_queue::verdict offline_queue::push(queued_command command, const queue_load& others) {
  const auto same = find_needless(command);
  const bool has_place = same != waiting_.end() && !settings_.drop_oldest &&
                         bytes_ - same->size + others.bytes + command.size <= settings_.size;
  if (!has_place && !has_room(command.size, others)) return {};
  return {true, push_accepted(std::move(command))};
}

void offline_queue::put_back(queued_command command) {
  bytes_ += command.size;
  waiting_.push_back(std::move(command));
}

void offline_queue::put_first(queued_command command) {
  bytes_ += command.size;
  waiting_.push_front(std::move(command));
}

queued_command offline_queue::take(commands::iterator which) {
  bytes_ -= which->size;
  queued_command taken = std::move(*which);
  waiting_.erase(which);
  return taken;
}

std::vector<std::shared_ptr<submission>> offline_queue::expire(clock::time_point now) {
  std::vector<std::shared_ptr<submission>> gone;
  std::erase_if(waiting_, [&](const queued_command& each) {
    if (each.expires > now) return false;
    bytes_ -= each.size;
    gone.push_back(each.fate);
    return true;
  });
  return gone;
}

std::optional<queued_command> offline_queue::pop() {
  if (waiting_.empty()) return std::nullopt;
  return take(waiting_.begin());
}

std::optional<queued_command> offline_queue::take(std::string_view source, std::string_view id) {
  const auto found = std::ranges::find_if(waiting_, [&](const queued_command& each) {
    return each.fate->id == id && each.fate->source == source;
  });
  if (found == waiting_.end()) return std::nullopt;
  return take(found);
}

offline_queue::commands::iterator offline_queue::find_needless(const queued_command& newer) {
  return std::ranges::find_if(waiting_, [&](const queued_command& older) { return coalesces(newer, older); });
}

const queued_command* offline_queue::front() const {
  return waiting_.empty() ? nullptr : &waiting_.front();
}

std::optional<clock::time_point> offline_queue::next_expiry() const {
  std::optional<clock::time_point> first;
  for (const queued_command& each : waiting_)
    if (!first || each.expires < *first) first = each.expires;
  return first;
}

}  // namespace duplexd
