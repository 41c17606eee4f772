// Checksums: what each covers, and, once the layout is written out, whether two cover each other.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/checksum.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/suggest.hpp"

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
    if (code[i].code == op::region || code[i].code == op::nested || code[i].code == op::placed)
      open.push_back(at);
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

slot_id layout_compiler::mark(const node& name, bool at_end) {
  for (std::size_t i = symbols_.size(); i > visible_from_; --i) {
    const symbol& s = symbols_[i - 1];
    if (s.name != name.text || s.dead || s.member >= 0) continue;
    if (std::ranges::any_of(placed_,
                            [&](const auto& each) { return each.first <= s.at && s.at < each.second; })) {
      fail(name, 0,
           fmt::format("'{}' is elsewhere in the packet, where no checksum can follow it", name.text));
      return {};
    }
    instruction& in = to_->code[static_cast<std::size_t>(s.at)];
    slot_id& slot = at_end ? in.end_mark : in.begin_mark;
    if (!slot) slot = new_slot();
    return slot;
  }
  fail(name, 0, fmt::format("no field '{}' comes before the checksum", name.text),
       suggest(name.text, known_names()));
  return {};
}

// {crc: x25, type: '<H', over: [from, to], extra: expr}
void layout_compiler::checksum_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"crc", "type", "over", "extra"})) return;
  const node* kind_node = from.find("crc");
  const auto kind = checksum_from(kind_node->text);
  if (!kind) {
    fail(*kind_node, 0, fmt::format("unknown checksum '{}'", kind_node->text),
         suggest_or_list(kind_node->text, checksum_names()));
    return;
  }
  instruction made;
  made.big = env_.order == '>' || env_.order == '!' || (env_.order != '<' && native_is_big);
  made.type = checksum_width(*kind) == 4   ? number_type::u32
              : checksum_width(*kind) == 2 ? number_type::u16
                                           : number_type::u8;
  if (from.find("type") != nullptr && !read_number_type(from.find("type"), from, made)) return;
  if (width_of(made.type) < checksum_width(*kind)) {  // 0: a varint
    fail(*from.find("type"), 0, fmt::format("'{}' needs {} bytes", kind_node->text, checksum_width(*kind)));
    return;
  }
  checksum_rule rule;
  rule.kind = *kind;
  if (const node* over = from.find("over")) {
    if (over->kind == node_kind::list && over->items.size() == 2) {
      rule.from_mark = mark(over->items[0], false);
      rule.to_mark = mark(over->items[1], true);
      if (!rule.from_mark || !rule.to_mark) return;
    } else if (over->text == "rest") {
      rule.over_rest = true;
    } else {
      fail(*over, 0, "expected [first field, last field] or rest",
           "without 'over' it covers the region up to itself");
      return;
    }
  }
  if (const node* extra = from.find("extra")) {
    rule.extra_expr = expression_of(extra->text, *extra, 0);
    if (!rule.extra_expr) return;
  }
  made.as = form::checksum;
  made.rule = to_->checksums.add(rule);
  made.name = name;
  made.hidden = hidden;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, true);
  checksums_.emplace_back(at, &from);
}

}  // namespace duplexd::protocol
