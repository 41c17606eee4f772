#include "daemon/session/freshness.hpp"

#include <algorithm>

namespace duplexd {

freshness::freshness(const std::vector<config::freshness_settings>& rules, const protocol::protocol& types) {
  for (const config::freshness_settings& each : rules)
    entries_.push_back({each, types.find(protocol::direction::reply, each.reply)});
}

void freshness::adopt(const std::vector<config::freshness_settings>& rules, const protocol::protocol& types,
                      clock::time_point now) {
  const bool has_started = started_;
  *this = freshness(rules, types);
  if (has_started) start(now);
}

void freshness::adopt(const protocol::protocol& types) {
  for (entry& each : entries_) each.type = types.find(protocol::direction::reply, each.rule.reply);
}

void freshness::start(clock::time_point now) {
  started_ = true;
  for (entry& each : entries_) each.due = now + each.rule.within;
}

std::vector<const config::freshness_settings*> freshness::run_out(clock::time_point now) {
  std::vector<const config::freshness_settings*> gone;
  for (entry& each : entries_) {
    if (now < each.due) continue;
    gone.push_back(&each.rule);
    each.due = now + each.rule.within;
  }
  return gone;
}

clock::time_point freshness::check_at() const {
  auto first = clock::time_point::max();
  for (const entry& each : entries_) first = std::min(first, each.due);
  return first;
}

}  // namespace duplexd
