#include "daemon/link/dial_queue.hpp"

#include <algorithm>

namespace duplexd {

dial_queue::number dial_queue::enter(const std::string& server) {
  waiting_[server].insert(++last_);
  return last_;
}

void dial_queue::leave(const std::string& server, number who) {
  const auto held = std::ranges::find(taken_, who, &place::who);
  if (held != taken_.end()) taken_.erase(held);
  const auto line = waiting_.find(server);
  if (line == waiting_.end()) return;
  line->second.erase(who);
  if (line->second.empty()) waiting_.erase(line);
}

std::vector<dial_queue::number> dial_queue::admit(clock::time_point now) {
  while (!taken_.empty() && taken_.front().until <= now) taken_.pop_front();
  std::vector<number> admitted;
  while (taken_.size() < places_ && !waiting_.empty()) {
    auto line = waiting_.upper_bound(turn_);
    if (line == waiting_.end()) line = waiting_.begin();
    turn_ = line->first;
    const number first = *line->second.begin();
    line->second.erase(line->second.begin());
    if (line->second.empty()) waiting_.erase(line);
    taken_.push_back({first, now + longest});
    admitted.push_back(first);
  }
  return admitted;
}

std::optional<clock::time_point> dial_queue::check_at() const {
  if (waiting_.empty() || taken_.empty()) return std::nullopt;
  return taken_.front().until;
}

}  // namespace duplexd
