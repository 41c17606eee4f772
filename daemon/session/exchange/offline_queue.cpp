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

offline_queue::verdict offline_queue::push(queued_command command) {
  const auto same =
      std::ranges::find_if(waiting_, [&](const queued_command& older) { return coalesces(command, older); });
  if (same != waiting_.end()) {
    verdict result{true, same->fate};
    *same = std::move(command);
    return result;
  }
  verdict result{true};
  if (waiting_.size() >= settings_.max) {
    if (!settings_.drop_oldest) return {false};
    result.displaced = waiting_.front().fate;
    waiting_.pop_front();
  }
  waiting_.push_back(std::move(command));
  return result;
}

std::vector<std::shared_ptr<submission>> offline_queue::expire(clock::time_point now) {
  std::vector<std::shared_ptr<submission>> gone;
  std::erase_if(waiting_, [&](const queued_command& each) {
    if (each.expires > now) return false;
    gone.push_back(each.fate);
    return true;
  });
  return gone;
}

std::optional<queued_command> offline_queue::pop() {
  if (waiting_.empty()) return std::nullopt;
  queued_command first = std::move(waiting_.front());
  waiting_.pop_front();
  return first;
}

std::optional<queued_command> offline_queue::take(std::string_view id) {
  const auto found =
      std::ranges::find_if(waiting_, [&](const queued_command& each) { return each.fate->id == id; });
  if (found == waiting_.end()) return std::nullopt;
  queued_command taken = std::move(*found);
  waiting_.erase(found);
  return taken;
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
