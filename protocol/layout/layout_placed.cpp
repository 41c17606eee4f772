// What is elsewhere in the packet: {type: …, at: offset}
#include <fmt/format.h>

#include <utility>

#include "protocol/codec/number_from_json.hpp"
#include "protocol/layout/endless.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

// Whether the field that says the offset can be filled in when everything is packed.
bool layout_compiler::offset_fits(const node& from, const extent& where) {
  if (where.what != extent::kind::linear) return true;
  for (const instruction& in : to_->code)
    if (in.code == op::number && in.as != form::bits && in.slot == where.slot && is_variable(in.type))
      return fail(from, 0, "an offset needs an integer type of a fixed size",
                  "its own bytes would move what it leads to");
  return true;
}

// The offset that stands for null.
bool layout_compiler::null_offset(const node& from, const extent& where, instruction& in) {
  const auto value = parse_integer(from.text);
  if (!value)
    return fail(from, 0, "expected an integer", "beside 'at', 'none' is the offset that means null");
  if (where.what != extent::kind::linear)
    return fail(from, 0, "'none' needs an offset that is a field, or a field and a constant");
  std::int64_t stands_for = 0;
  std::uint64_t raw = 0;
  if (__builtin_mul_overflow(*value, where.factor, &stands_for) ||
      __builtin_add_overflow(stands_for, where.offset, &stands_for))
    return fail(from, 0, "the number is too large");
  for (const instruction& each : to_->code)
    if (each.code == op::number && each.as != form::bits && each.slot == where.slot)
      if (std::string why = number_from_integer(each.type, *value, raw); !why.empty())
        return fail(from, 0, std::move(why), "'none' is the offset on the wire that means null");
  in.none = value;
  return true;
}

void layout_compiler::placed_item(const node& from, name_id name, bool hidden) {
  const node& at_node = *from.find("at");
  if (!at_node.is_scalar()) {
    fail(at_node, 0, "expected an offset", "a field that comes before, such as 'at: offset'");
    return;
  }
  const extent_id where = extent_of(at_node.text, at_node, 0);
  if (!where || !offset_fits(at_node, to_->extents[where])) return;
  const std::int32_t at = here();
  instruction made;
  made.code = op::placed;
  made.name = name;
  made.hidden = hidden;
  made.size = where;
  if (const node* none = from.find("none"); none != nullptr && !null_offset(*none, to_->extents[where], made))
    return;
  emit(op::placed) = made;
  const std::string filled = std::exchange(filled_by_, {});
  const node* const outer = std::exchange(placing_, &from);
  null_mark* const outer_null = std::exchange(null_, nullptr);
  any_value(from, name, hidden);
  placing_ = outer;
  null_ = outer_null;
  filled_by_ = filled;
  close(at);
  if (const std::string why = why_endless(*to_, at + 1, here()); !why.empty()) {
    fail(from, 0, fmt::format("{}, so its end is not known", why),
         "what is elsewhere in the packet needs a size, or an end of its own");
    return;
  }
  placed_.emplace_back(at, here());
}

}  // namespace duplexd::protocol
