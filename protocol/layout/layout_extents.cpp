// Sizes and counts: a number, an expression that packing can turn round, or a prefix.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/codec/number_from_json.hpp"
#include "protocol/codec/struct_code.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

extent_id layout_compiler::fixed_extent(std::int64_t value) {
  extent e;
  e.what = extent::kind::fixed;
  e.value = value;
  return to_->extents.add(e);
}

extent_id layout_compiler::rest_extent() {
  return to_->extents.add({});
}

namespace {

// slot * factor + offset, if the expression is of that kind.
bool as_linear(const expression& from, extent& out) {
  using kind = expression_step::kind;
  const auto& s = from.steps;
  if (s.empty() || s[0].what != kind::slot) {
    if (s.size() != 3 || s[0].what != kind::constant || s[1].what != kind::slot) return false;
    if (s[2].what == kind::add)
      out.offset = s[0].value;
    else if (s[2].what == kind::multiply && s[0].value > 0)
      out.factor = s[0].value;
    else
      return false;
    out.slot = slot_id(static_cast<std::size_t>(s[1].value));
    return true;
  }
  out.slot = slot_id(static_cast<std::size_t>(s[0].value));
  for (std::size_t i = 1; i < s.size(); i += 2) {
    if (i + 1 >= s.size() || s[i].what != kind::constant || s[i].value > INT32_MAX || s[i].value < INT32_MIN)
      return false;
    if (s[i + 1].what == kind::add)
      out.offset += s[i].value;
    else if (s[i + 1].what == kind::subtract)
      out.offset -= s[i].value;
    else if (s[i + 1].what == kind::multiply && s[i].value > 0 && i == 1)
      out.factor = s[i].value;
    else
      return false;
  }
  return true;
}

}  // namespace

extent_id layout_compiler::extent_of(std::string_view text, const node& from, std::size_t at) {
  const expression_id expr = expression_of(text, from, at);
  if (!expr) return {};
  const expression& what = to_->expressions[expr];
  extent e;
  e.expr = expr;
  const auto varies = [](const expression_step& s) {
    return s.what == expression_step::kind::slot || s.what == expression_step::kind::size ||
           s.what == expression_step::kind::packet || s.what == expression_step::kind::rest;
  };
  const bool known = std::none_of(what.steps.begin(), what.steps.end(), varies);
  if (const auto value = known ? evaluate(what, {}) : std::nullopt) {
    e.what = extent::kind::fixed;
    e.value = *value;
    if (e.value < 0) {
      fail(from, at, "a size or count cannot be negative");
      return {};
    }
  } else if (as_linear(what, e)) {
    e.what = extent::kind::linear;
    if (what.steps.size() == 1) e.expr = {};
    // The field that carries the size is filled in when packing.
    for (symbol& s : symbols_) {
      if (s.dead || !s.number) continue;
      instruction& in = to_->code[static_cast<std::size_t>(s.at)];
      if (in.code != op::number) continue;
      if (s.member >= 0) {
        bit_member& m = to_->bits[in.its<bits_rule>()].members[static_cast<std::size_t>(s.member)];
        if (m.slot == e.slot && m.from == value_source::given) m.from = value_source::derived;
      } else if (in.slot == e.slot && in.from == value_source::given && in.as == form::plain &&
                 !(is_digits(in.type) && to_->extents[in.size].what != extent::kind::fixed &&
                   to_->extents[in.size].what != extent::kind::until)) {
        in.from = value_source::derived;
      }
    }
  } else {
    e.what = extent::kind::computed;
  }
  return to_->extents.add(e);
}

// A length or count of its own in front of the field. Returns the extent that it gives.
extent_id layout_compiler::prefix(const extent_notation& notation, const node& from, char order,
                                  name_id name) {
  notation_fault fault;
  auto parsed = parse_line(notation.text.text, fault);
  if (!parsed || parsed->tokens.size() != 1 || parsed->tokens[0].named) {
    fail(from, notation.text.at, "expected an integer type after ':'", "such as (:H) or (:varint)");
    return {};
  }
  const token& t = parsed->tokens[0];
  instruction basis;
  if (!number_type_of(t.type.text, parsed->order != 0 ? parsed->order : order, basis) ||
      is_float(basis.type) || basis.type == number_type::boolean) {
    fail(from, notation.text.at, fmt::format("'{}' is not an integer type", t.type.text),
         "such as B, H, I or varint");
    return {};
  }
  if (t.size.what == extent_notation::kind::expression) {
    const auto limit = parse_integer(t.size.text.text);
    if (is_variable(basis.type) && limit && *limit >= 1 && *limit <= 10)
      basis.limit = static_cast<std::uint8_t>(*limit);
  }
  if (is_digits(basis.type)) {
    token placed = t;
    placed.size.text.at += notation.text.at;
    if (!digits_size(placed, from, order, name, basis)) return {};
    const extent::kind what = to_->extents[basis.size].what;
    if (what != extent::kind::fixed && what != extent::kind::until) {
      fail(from, notation.text.at, fmt::format("'{}' needs an end", t.type.text),
           fmt::format("such as (:{}(until \"\\r\\n\")) or (:{}(4))", t.type.text, t.type.text));
      return {};
    }
  }
  instruction& in = emit(op::number);
  in.type = basis.type;
  in.size = basis.size;
  in.big = basis.big;
  in.limit = basis.limit;
  in.from = value_source::derived;
  in.helper = in.hidden = true;
  in.name = name;
  const slot_id slot = new_slot();
  to_->code.back().slot = slot;
  extent e;
  e.what = extent::kind::linear;
  e.slot = slot;
  return to_->extents.add(e);
}

// Between its elements a list ends where these bytes are.
extent_id layout_compiler::terminator(const extent_notation& notation, const node& from,
                                      std::string_view type, char order) {
  if (order == '@') {
    fail(from, notation.text.at, "with native alignment it is not known where a list ends",
         "give the line the byte order '='");
    return {};
  }
  extent e;
  e.what = extent::kind::until;
  std::string bytes = notation.text.text;
  if (notation.number) {
    const auto value = parse_integer(bytes);
    if (!type.empty() && std::string_view("<>=!").find(type.front()) != std::string_view::npos) {
      order = type.front();
      type.remove_prefix(1);
    }
    instruction basis;
    std::uint64_t raw = 0;
    const bool whole = number_type_of(type, order, basis) && !is_variable(basis.type) &&
                       !is_float(basis.type) && basis.type != number_type::boolean;
    if (!value || !whole) {
      fail(from, notation.text.at, "a number ends a list of integers of a fixed size",
           "for other elements write the bytes: [until \"\\0\"]");
      return {};
    }
    if (std::string why = number_from_integer(basis.type, *value, raw); !why.empty()) {
      fail(from, notation.text.at, std::move(why));
      return {};
    }
    std::uint8_t stored[8];
    store(stored, raw, width_of(basis.type), basis.big);
    bytes.assign(stored, stored + width_of(basis.type));
  }
  e.end = to_->texts.add(std::move(bytes));
  return to_->extents.add(e);
}

std::int32_t layout_compiler::open_nullable(extent_id size, name_id name, bool hidden) {
  null_mark* const mark = std::exchange(null_, nullptr);
  if (mark == nullptr) return -1;
  const extent& e = to_->extents[size];
  if (e.what != extent::kind::linear) return -1;
  mark->taken = true;
  std::int64_t stands_for = 0;
  if (__builtin_mul_overflow(mark->value, e.factor, &stands_for) ||
      __builtin_add_overflow(stands_for, e.offset, &stands_for))
    fail(*mark->from, 0, "the number is too large");
  std::uint64_t raw = 0;
  for (const instruction& in : to_->code)
    if (in.code == op::number && in.as != form::bits && in.slot == e.slot)
      if (std::string why = number_from_integer(in.type, mark->value, raw); !why.empty())
        fail(*mark->from, 0, std::move(why), "'none' is the size or count on the wire that means null");
  const std::int32_t at = here();
  instruction& in = emit(op::nullable);
  in.name = name;
  in.hidden = hidden;
  in.size = size;
  in.constant = mark->value;
  return at;
}

extent_id layout_compiler::size_extent(const extent_notation& notation, const node& from, char order,
                                       name_id name) {
  switch (notation.what) {
    case extent_notation::kind::prefix:
      return prefix(notation, from, order, name);
    case extent_notation::kind::expression:
      return extent_of(notation.text.text, from, notation.text.at);
    case extent_notation::kind::until: {
      extent e;
      e.what = extent::kind::until;
      constexpr std::int64_t any = std::int64_t{1} << 62;
      e.value = notation.most > 0 ? notation.most : any;
      e.end = to_->texts.add(notation.text.text);
      return to_->extents.add(e);
    }
    default:
      return rest_extent();
  }
}

}  // namespace duplexd::protocol
