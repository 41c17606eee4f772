#include "daemon/event/flood_guard.hpp"

namespace duplexd {

bool flood_guard::admits(std::string_view session, std::string_view name, time_point now) {
  count& mine = counts_[{std::string(session), std::string(name)}];
  if (mine.turns.try_take(now)) return true;
  ++mine.held_back;
  return false;
}

std::vector<happening::held_back> flood_guard::take_held_back(std::string_view session,
                                                              std::string_view name) {
  std::vector<happening::held_back> taken;
  // Thousands of links may end at once: only the session's own are looked at.
  auto at = counts_.lower_bound({std::string(session), std::string(name)});
  for (; at != counts_.end() && at->first.first == session; ++at) {
    const std::string& kind = at->first.second;
    if (!name.empty() && kind != name) break;
    if (at->second.held_back > 0) taken.push_back({kind, std::exchange(at->second.held_back, 0)});
  }
  return taken;
}

}  // namespace duplexd
