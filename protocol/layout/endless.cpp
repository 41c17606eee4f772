// Which layouts say by themselves where a packet ends, so that a stream can be cut by them.
#include "protocol/layout/endless.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace duplexd::protocol {
namespace {

bool uses_packet(const expression& e) {
  return std::ranges::any_of(
      e.steps, [](const expression_step& s) { return s.what == expression_step::kind::packet; });
}

class endless {
 public:
  endless(const program& of, bool whole) : p_(of), whole_(whole) {}

  std::string why(std::int32_t pc, std::int32_t end) {
    while (pc < end) {
      const instruction& in = p_.code[static_cast<std::size_t>(pc)];
      const bool closed = in.code == op::region && p_.extents[in.size].what != extent::kind::rest;
      if (std::string found = of(in); !found.empty()) return found;
      if (!closed) {
        ++pc;
        continue;
      }
      for (++pc; pc < in.next; ++pc)  // its size is known; that of the packet is not
        if (std::string found = inside(p_.code[static_cast<std::size_t>(pc)]); !found.empty()) return found;
    }
    return {};
  }

 private:
  std::string named(const instruction& in, const char* what) const {
    return in.name ? fmt::format("'{}' {}", p_.names[in.name].text, what)
                   : fmt::format("a part without a name {}", what);
  }

  std::string of(const instruction& in) const {
    if (in.code == op::nested || in.code == op::frames) return named(in, "takes the rest");
    if (in.code == op::placed && whole_) return named(in, "is elsewhere in the packet");
    const bool zero_ends = in.code == op::zero_text;  // whatever its size
    for (const extent_id each : {in.size, in.count}) {
      if (!each) continue;
      const extent& e = p_.extents[each];
      if (e.what == extent::kind::rest && !zero_ends) return named(in, "takes the rest");
      if (e.expr && p_.expressions[e.expr].uses_region()) return region_of(in, e.expr);
    }
    return expressions(in, false);
  }
  std::string inside(const instruction& in) const { return expressions(in, true); }

  std::string expressions(const instruction& in, bool packet_only) const {
    std::vector<expression_id> all{in.expr};
    if (const auto rule = in.its<scale_rule>()) all.push_back(p_.scales[rule].divisor_expr);
    if (const auto rule = in.its<checksum_rule>()) {
      if (p_.checksums[rule].over_rest && !packet_only) return named(in, "covers the rest");
      all.push_back(p_.checksums[rule].extra_expr);
    }
    for (const extent_id each : {in.size, in.count})
      if (each) all.push_back(p_.extents[each].expr);
    for (const expression_id each : all)
      if (each && (packet_only ? uses_packet(p_.expressions[each]) : p_.expressions[each].uses_region()))
        return region_of(in, each);
    return {};
  }

  std::string region_of(const instruction& in, expression_id expr) const {
    return named(in, fmt::format("needs '{}'", p_.expressions[expr].text).c_str());
  }

  const program& p_;
  bool whole_;  ///< not only a part
};

}  // namespace

std::string why_endless(const program& layout) {
  const routine& whole = layout.routines.front();
  constexpr std::int32_t body = 2;  // behind the map and the region of the packet itself
  std::string why = endless(layout, true).why(whole.begin + body, whole.end);
  if (why.empty() && layout.min_size == 0) why = "it may take no bytes at all";
  return why;
}

std::string why_endless(const program& layout, std::int32_t begin, std::int32_t end) {
  return endless(layout, false).why(begin, end);
}

}  // namespace duplexd::protocol
