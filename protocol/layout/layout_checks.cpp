// What is wrong with a layout as a whole, once it is written out.
#include <algorithm>

#include "protocol/layout/layout_compiler.hpp"

namespace duplexd::protocol {

namespace {

/// For each instruction the region that it stands in: where that begins.
std::vector<std::int32_t> regions_of(const std::vector<instruction>& code) {
  std::vector<std::int32_t> regions(code.size(), -1);
  std::vector<std::int32_t> open;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const auto at = static_cast<std::int32_t>(i);
    while (!open.empty() && code[static_cast<std::size_t>(open.back())].next <= at) open.pop_back();
    regions[i] = open.empty() ? -1 : open.back();
    if (code[i].code == op::region || code[i].code == op::nested) open.push_back(at);
  }
  return regions;
}

/// Whether both stand in cases of one choice, but not in the same.
bool exclude_each_other(const program& p, std::int32_t one, std::int32_t other) {
  const auto holds = [](const choice_case& c, std::int32_t at) { return c.begin <= at && at < c.end; };
  for (std::int32_t at = 0; at < one; ++at) {
    const instruction& in = p.code[static_cast<std::size_t>(at)];
    if (in.code != op::choose || in.next <= other) continue;
    const choice_rule& rule = p.choices[in.its<choice_rule>()];
    const auto together = [&](const choice_case& c) { return holds(c, one) && holds(c, other); };
    if (!std::ranges::any_of(rule.cases, together) && !together(rule.otherwise)) return true;
  }
  return false;
}

}  // namespace

// A checksum over the rest of its region, and a later one in that region that
// covers it: each would have to be known for the other.
void layout_compiler::check_checksums() {
  const std::vector<std::int32_t> regions = regions_of(to_->code);
  const auto rule_at = [&](std::int32_t at) -> const checksum_rule& {
    return to_->checksums[to_->code[static_cast<std::size_t>(at)].its<checksum_rule>()];
  };
  const auto region_at = [&](std::int32_t at) { return regions[static_cast<std::size_t>(at)]; };
  const auto covers = [&](std::int32_t later, std::int32_t earlier) {
    const checksum_rule& rule = rule_at(later);
    if (rule.over_rest) return false;
    if (!rule.from_mark) return region_at(later) == region_at(earlier);
    std::int32_t begin = 0;
    std::int32_t end = 0;
    for (std::int32_t at = 0; at < later; ++at) {
      const instruction& in = to_->code[static_cast<std::size_t>(at)];
      if (in.begin_mark == rule.from_mark) begin = at;
      if (in.end_mark == rule.to_mark) end = std::max(in.next, at + 1);
    }
    return begin <= earlier && earlier < end;
  };
  for (const auto& [first, ignored] : checksums_) {
    if (!rule_at(first).over_rest) continue;
    const std::int32_t region = region_at(first);
    const std::int32_t end = region < 0 ? here() : to_->code[static_cast<std::size_t>(region)].next;
    for (const auto& [later, place] : checksums_) {
      if (later <= first || later >= end || !covers(later, first)) continue;
      if (exclude_each_other(*to_, first, later)) continue;
      fail(*place, 0, "the checksum covers one before it that covers it in turn",
           "'over: [first field, last field]' says what it is for");
      return;
    }
  }
}

}  // namespace duplexd::protocol
