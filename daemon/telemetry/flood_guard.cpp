#include "daemon/telemetry/flood_guard.hpp"

#include <algorithm>

namespace duplexd {

bool flood_guard::admits(std::string_view session, std::string_view name, time_point now) {
  count& mine = counts_[{std::string(session), std::string(name)}];
  if (mine.full_at > now + (burst - 1) * spacing) {
    ++mine.held_back;
    return false;
  }
  mine.full_at = std::max(mine.full_at, now) + spacing;
  return true;
}

std::vector<happening::held_back> flood_guard::take_held_back(std::string_view session,
                                                              std::string_view name) {
  std::vector<happening::held_back> taken;
  for (auto& [whose, each] : counts_)
    if (whose.first == session && (name.empty() || whose.second == name) && each.held_back > 0)
      taken.push_back({whose.second, std::exchange(each.held_back, 0)});
  return taken;
}

}  // namespace duplexd
