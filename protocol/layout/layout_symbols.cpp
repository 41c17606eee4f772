#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/struct_code.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

position place_in(const node& scalar, std::size_t at) noexcept {
  position out = scalar.where;
  if (out.line == 0 || !scalar.is_scalar()) return out;
  const std::string_view before = std::string_view(scalar.text).substr(0, at);
  const auto lines = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t last = before.rfind('\n');
  out.line += lines;
  out.column +=
      static_cast<std::uint32_t>(last == std::string_view::npos ? before.size() : before.size() - last - 1);
  return out;
}

layout_compiler::layout_compiler(const layout_environment& environment, diagnostics& out)
    : env_(environment), out_(out) {}

bool layout_compiler::fail(const node& from, std::size_t at, std::string message, std::string hint) {
  constexpr std::size_t enough = 50;  // of one layout; more only follow from the first
  if (++mistakes_ > enough) return false;
  diagnostic found{place_in(from, at), path_, std::move(message), std::move(hint)};
  // A layout is written out at each use; its mistakes are said once.
  for (const diagnostic& said : out_)
    if (said.where == found.where && said.message == found.message && found.where.line != 0) return false;
  out_.push_back(std::move(found));
  return false;
}

bool layout_compiler::known_keys(const node& from, const std::vector<std::string>& keys) {
  bool ok = true;
  for (const node_entry& entry : from.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    node place;
    place.where = entry.where;
    ok = fail(place, 0, fmt::format("unknown key '{}'", entry.key), suggest(entry.key, keys));
  }
  return ok;
}

instruction& layout_compiler::emit(op code) {
  if (to_->code.size() == program_limit)
    fail(node{}, 0, "the layout is too large: layouts within layouts multiply");
  // Past the limit nothing grows any more, but the walk over the notation ends by itself.
  if (to_->code.size() >= program_limit) to_->code.pop_back();
  instruction& in = to_->code.emplace_back();
  in.code = code;
  in.next = here();
  return in;
}

void layout_compiler::close(std::int32_t at) {
  if (static_cast<std::size_t>(at) < to_->code.size()) to_->code[static_cast<std::size_t>(at)].next = here();
}

name_id layout_compiler::intern(const std::string& name) {
  const auto [known, is_new] = interned_.try_emplace(name, name_id(to_->names.size()));
  if (!is_new) return known->second;
  field_name entry{name, ","};
  append_quoted(entry.key, name);
  entry.key += ':';
  to_->names.push_back(std::move(entry));
  return known->second;
}

bool layout_compiler::declare(const std::string& name, const node& from, std::size_t at, name_id& id) {
  container& around = containers_.back();
  id = intern(name);
  if (around.values > 0)
    return fail(from, at, "a named field beside values by position", "name all of them: 'code:i state:b'");
  around.named = true;
  if (!around.names.insert(name).second)
    return fail(from, at, fmt::format("'{}' is already defined", name), "names in a map must be unique");
  return true;
}

bool layout_compiler::room_for(const node& from, std::size_t at, const std::string& what) {
  if (filled_by_.empty()) return true;
  return fail(from, at, fmt::format("nothing can follow '{}', which takes the rest", filled_by_),
              fmt::format("give '{}' a size, or move '{}' before it", filled_by_, what));
}

void layout_compiler::remember(name_id id, std::int32_t at, bool number) {
  symbols_.push_back({to_->names[id].text, at, -1, number, false});
}

void layout_compiler::retire(std::size_t first) {
  for (std::size_t i = first; i < symbols_.size(); ++i) symbols_[i].dead = true;
}

slot_id layout_compiler::new_slot() {
  if (to_->slots == slot_limit) {
    fail(node{}, 0, fmt::format("more than {} fields are used in expressions", slot_limit));
    return slot_id(0);
  }
  return slot_id(to_->slots++);
}

slot_id layout_compiler::slot_of(symbol& s) {
  instruction& in = to_->code[static_cast<std::size_t>(s.at)];
  slot_id& slot = s.member >= 0
                      ? to_->bits[in.its<bits_rule>()].members[static_cast<std::size_t>(s.member)].slot
                      : in.slot;
  if (!slot) slot = new_slot();
  return slot;
}

std::optional<std::int64_t> layout_compiler::slot_of(std::string_view name, std::string& error) {
  bool ended = false;
  for (std::size_t i = symbols_.size(); i > visible_from_; --i) {
    symbol& s = symbols_[i - 1];
    if (s.name != name) continue;
    if (s.dead) {
      ended = true;
      continue;
    }
    if (!s.number) {
      error = fmt::format("'{}' is not an integer", name);
      return std::nullopt;
    }
    return static_cast<std::int64_t>(slot_of(s).index());
  }
  error = ended ? fmt::format("'{}' is out of reach here: it is in a case or an element that has ended", name)
                : fmt::format("no field '{}' comes before this", name);
  if (!ended)
    if (const std::string near = nearest(name, known_names()); !near.empty())
      error += fmt::format("; did you mean '{}'?", near);
  return std::nullopt;
}

std::vector<std::string> layout_compiler::known_names() const {
  std::vector<std::string> out;
  for (std::size_t i = visible_from_; i < symbols_.size(); ++i)
    if (!symbols_[i].dead && symbols_[i].number) out.push_back(symbols_[i].name);
  return out;
}

expression_id layout_compiler::expression_of(std::string_view text, const node& from, std::size_t at) {
  const slot_lookup lookup = [this](std::string_view name, std::string& error) {
    return slot_of(name, error);
  };
  expression_fault fault;
  auto parsed = parse_expression(text, lookup, fault);
  if (!parsed) {
    fail(from, at + fault.offset, fault.message);
    return {};
  }
  return to_->expressions.add(std::move(*parsed));
}

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

bool layout_compiler::number_type_of(std::string_view word, char order, instruction& in) const {
  in.big = order_is_big(order);
  word = canonical_type(word);
  if (word == "u24" || word == "i24") {
    in.type = word == "u24" ? number_type::u24 : number_type::i24;
    return true;
  }
  if (word == "varint" || word == "zigzag") {
    in.type = word == "varint" ? number_type::varint : number_type::zigzag;
    return true;
  }
  if (word == "decnum" || word == "hexnum") {
    in.type = word == "decnum" ? number_type::decnum : number_type::hexnum;
    return true;
  }
  if (word.size() != 1) return false;
  const auto code = find_struct_code(word[0], order == '@');
  if (!code || code->what != struct_code::kind::number) return false;
  in.type = code->type;
  return true;
}

const node* layout_compiler::find_layout(std::string_view name) const {
  return env_.layouts == nullptr ? nullptr : env_.layouts->find(name);
}

std::vector<std::string> layout_compiler::type_names() const {
  std::vector<std::string> out{"u24", "i24",  "varint", "zigzag",  "zstr",   "str",    "bytes", "hex",
                               "b64", "json", "cbor",   "msgpack", "decnum", "hexnum", "utf16"};
  if (env_.layouts != nullptr)
    for (const node_entry& entry : env_.layouts->entries) out.push_back(entry.key);
  return out;
}

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
