#include "daemon/event/log_levels.hpp"

#include <algorithm>

namespace duplexd {

log_levels::log_levels(const config::log_settings& from) : level_(from.level), sessions_(from.sessions) {
  find_bounds();
}

// Most questions are answered without a look at the session.
bool log_levels::wants(std::string_view session, config::log_level level) const noexcept {
  if (level < least_ || level >= greatest_) return level >= greatest_;
  const auto own = sessions_.find(session);
  return level >= (own == sessions_.end() ? level_ : own->second);
}

void log_levels::set(config::log_level level) {
  level_ = level;
  find_bounds();
}

void log_levels::set(const std::string& session, std::optional<config::log_level> level) {
  if (level)
    sessions_.insert_or_assign(session, *level);
  else
    sessions_.erase(session);
  find_bounds();
}

void log_levels::reload(const config::log_settings& before, const config::log_settings& next) {
  if (before.level != next.level) set(next.level);
  for (const auto& [session, level] : before.sessions)
    if (!next.sessions.contains(session)) set(session, std::nullopt);
  for (const auto& [session, level] : next.sessions) {
    const auto known = before.sessions.find(session);
    if (known == before.sessions.end() || known->second != level) set(session, level);
  }
}

void log_levels::find_bounds() {
  least_ = greatest_ = level_;
  for (const auto& [session, level] : sessions_) {
    least_ = std::min(least_, level);
    greatest_ = std::max(greatest_, level);
  }
}

}  // namespace duplexd
