#include "daemon/link/retry_policy.hpp"

#include <algorithm>

namespace duplexd {

using config::fault_class;
using config::fault_pattern;
using config::jitter_kind;
using std::chrono::milliseconds;

namespace {

// A server may ask for patience, but not for ever.
constexpr milliseconds longest_retry_after = std::chrono::hours{1};

bool fits(const fault_pattern& pattern, const fault& what) {
  if (pattern.kind != what.kind) return false;
  if (!pattern.low) return true;
  const auto number = what.kind == fault_class::http ? what.http_status : what.close_code;
  return number && *number >= *pattern.low && *number <= pattern.high;
}

fault_pattern numbered(fault_class kind, std::uint16_t number) {
  return {kind, number, number};
}

/// Faults that a quick retry does not mend and a server minds.
std::vector<fault_pattern> slow_faults() {
  return {{fault_class::login_rejected, {}, 0}, numbered(fault_class::http, 404),
          numbered(fault_class::http, 410),     numbered(fault_class::http, 429),
          numbered(fault_class::closed, 1008),   // policy violation
          numbered(fault_class::closed, 1013)};  // try again later
}

}  // namespace

bool retry_policy::row::takes(const fault& what) const {
  return on.empty() || std::ranges::any_of(on, [&](const fault_pattern& one) { return fits(one, what); });
}

retry_policy::row retry_policy::from_rule(const config::fault_rule& rule,
                                          const config::reconnect_settings& settings) {
  const config::backoff_settings& usual = settings;
  config::backoff_settings delays = usual;
  delays.initial = rule.initial.value_or(settings.initial);
  delays.maximum = std::max(delays.initial, rule.maximum.value_or(settings.maximum));
  delays.factor = rule.factor.value_or(settings.factor);
  delays.jitter = rule.jitter.value_or(settings.jitter);
  const bool has_delays = rule.initial || rule.maximum || rule.factor || rule.jitter;
  return {rule.on, backoff(delays), rule.give_up_after.value_or(0), rule.exit_code, has_delays};
}

retry_policy::retry_policy(const config::reconnect_settings& settings)
    : stable_after_(settings.stable_after) {
  if (!settings.fatal.empty()) {
    row& end = rows_.emplace_back(row{{}, backoff(settings), 1});
    for (const fault_class each : settings.fatal) end.on.push_back({each, {}, 0});
  }
  for (const config::fault_rule& rule : settings.faults) rows_.push_back(from_rule(rule, settings));
  // Not at once by bad luck: half of such a delay is fixed.
  const config::backoff_settings slow{settings.maximum, settings.maximum, 1, jitter_kind::half};
  rows_.push_back({slow_faults(), backoff(slow)});
  rows_.push_back({{}, backoff(settings)});
}

// The last row takes everything.
std::size_t retry_policy::row_of(const fault& what) const {
  const auto found = std::ranges::find_if(rows_, [&](const row& each) { return each.takes(what); });
  return static_cast<std::size_t>(found - rows_.begin());
}

bool retry_policy::ends_with(const fault& what) const {
  const row& rule = rows_[row_of(what)];
  return rule.give_up_after != 0 && rule.in_a_row + 1 >= rule.give_up_after;
}

retry_decision retry_policy::failed(const fault& what, double random) {
  row& rule = rows_[row_of(what)];
  ++rule.in_a_row;
  if (rule.give_up_after != 0 && rule.in_a_row >= rule.give_up_after) return {std::nullopt, rule.exit_code};
  row& slow = rows_[rows_.size() - 2];
  row& timing = !rule.has_delays && slow.takes(what) ? slow : rule;
  milliseconds delay = timing.delays.next(random);
  if (what.retry_after) delay = std::max(delay, std::min(*what.retry_after, longest_retry_after));
  return {delay, std::nullopt};
}

void retry_policy::link_lived(milliseconds lifetime) {
  if (lifetime < stable_after_) return;
  for (row& each : rows_) {
    each.delays.reset();
    each.in_a_row = 0;
  }
}

}  // namespace duplexd
