// What is worked out once a program is written: its simple numbers, and its shortest packet.
#include <algorithm>

#include "protocol/layout/layout_compiler.hpp"

namespace duplexd::protocol {

// Integers that need nothing but being read and shown.
void layout_compiler::mark_simple() {
  for (instruction& in : to_->code) {
    const bool integer = in.code == op::number && width_of(in.type) != 0 && !is_float(in.type) &&
                         in.type != number_type::boolean;
    const bool shown = in.name && !in.hidden && !in.positional;
    if (!integer || !shown || in.from != value_source::given || in.slot || in.none || in.strict) continue;
    if (in.as == form::scaled) {
      scale_rule& rule = to_->scales[in.its<scale_rule>()];
      std::int64_t left = rule.divisor;
      rule.all_places = rule.places;
      for (; left % 10 == 0; left /= 10) ++rule.all_places;
      in.simple = left == 1 && rule.factor == 1 && rule.offset == 0 && !rule.divisor_expr;
    } else {
      in.simple = in.as == form::plain;
    }
  }
}

// Bytes of the shortest packet that [begin, end) can read. What a layout that chooses itself needs is not
// followed for ever: after so many steps the rest counts as nothing, which is never too much.
std::size_t layout_compiler::shortest(std::int32_t begin, std::int32_t end) const {
  shortest_walk walk;
  return shortest(begin, end, walk);
}

std::size_t layout_compiler::shortest(std::int32_t begin, std::int32_t end, shortest_walk& walk) const {
  if (walk.depth == shortest_walk::deepest) return 0;
  ++walk.depth;
  const auto fixed = [&](extent_id index) -> std::size_t {
    if (!index) return 0;
    const extent& e = to_->extents[index];
    return e.what == extent::kind::fixed ? static_cast<std::size_t>(e.value) : 0;
  };
  const auto ending = [&](extent_id index) -> std::size_t {
    return index && to_->extents[index].end ? to_->texts[to_->extents[index].end].size() : 0;
  };
  std::size_t sum = 0;
  for (std::int32_t pc = begin; pc < end && walk.steps_left > 0;) {
    --walk.steps_left;
    const instruction& in = to_->code[static_cast<std::size_t>(pc)];
    std::size_t bytes = 0;
    switch (in.code) {
      case op::number:
        bytes = std::max<std::size_t>(1, width_of(in.type)) + ending(in.size);
        if (is_digits(in.type)) bytes = std::max(bytes, fixed(in.size));
        break;
      case op::list:
        bytes = ending(in.count);
        break;
      case op::until:
        bytes = ending(in.size);
        break;
      case op::blob:
        bytes = fixed(in.size);
        break;
      case op::zero_text:
        bytes = std::max<std::size_t>(1, fixed(in.size));
        break;
      case op::pad:
        bytes = static_cast<std::size_t>(in.constant);
        break;
      case op::object:
        bytes = shortest(pc + 1, in.next, walk);
        break;
      case op::region:
        bytes = to_->extents[in.size].what == extent::kind::rest ? shortest(pc + 1, in.next, walk)
                                                                 : fixed(in.size);
        break;
      case op::array: {
        const std::size_t each = shortest(pc + 1, in.next, walk);
        const std::size_t count = fixed(in.count);
        bytes = count != 0 && each > env_.limits.packet / count ? env_.limits.packet : count * each;
        break;
      }
      case op::choose: {
        const choice_rule& rule = to_->choices[in.its<choice_rule>()];
        bytes = rule.has_otherwise ? shortest(rule.otherwise.begin, rule.otherwise.end, walk) : SIZE_MAX;
        for (const choice_case& c : rule.cases) bytes = std::min(bytes, shortest(c.begin, c.end, walk));
        if (bytes == SIZE_MAX) bytes = 0;
        break;
      }
      default:
        break;
    }
    sum = std::min(sum + bytes, env_.limits.packet);
    pc = in.next;
  }
  --walk.depth;
  return sum;
}

}  // namespace duplexd::protocol
