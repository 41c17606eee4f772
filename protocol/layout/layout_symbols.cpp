// Names in reach, registers and instructions: what every part of the compiler builds with.
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

}  // namespace duplexd::protocol
