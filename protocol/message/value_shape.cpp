// What a message's values look like: walks its program, or its template, through all of their cases.
#include "protocol/message/value_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "protocol/message/message_type.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

using kind = value_shape::kind;
using exact_type = value_shape::exact_type;

// What two cases of a layout have to say about one value.
void merge(value_shape& into, value_shape other) {
  into.required |= other.required;
  into.steers |= other.steers;
  if (into.what != other.what) {
    into.what = kind::any;
    into.members.clear();
  }
  if (into.constant != other.constant) into.constant.reset();
  if (into.json != other.json) into.json = value_shape::json_type::any;
  if (into.exact == exact_type::null)
    into.exact = other.exact;
  else if (into.exact != other.exact && other.exact != exact_type::null)
    into.exact = exact_type::any;
  if (into.bytes != other.bytes) into.bytes = value_shape::bytes_text::none;
  if (into.what == kind::tuple && into.members.size() != other.members.size()) into.what = kind::any;
  if (into.what == kind::any || into.what == kind::scalar) return;
  for (auto& [name, shape] : other.members) {
    const auto known = std::ranges::find(into.members, name, &std::pair<std::string, value_shape>::first);
    if (known == into.members.end())
      into.members.emplace_back(std::move(name), std::move(shape));
    else
      merge(known->second, std::move(shape));
  }
}

// Of an integer that is shown as it is: 63 bits and a sign hold all of them, or not.
exact_type exact_integer(const instruction& in) {
  constexpr unsigned varint_bits = 7;
  constexpr unsigned most_bits = 63;
  if (in.type == number_type::boolean) return exact_type::boolean;
  const bool fits = in.type == number_type::varint
                        ? in.limit * varint_bits <= most_bits
                        : in.type != number_type::u64 && in.type != number_type::hexnum;
  return fits ? exact_type::integer : exact_type::any;
}

// A number that is calculated from an integer on the wire.
exact_type exact_scaled(const scale_rule& rule, number_type type) {
  if (rule.divisor != 1 || rule.places != 0 || rule.divisor_expr) return exact_type::real;
  constexpr unsigned small = 4;  // bytes: most factors leave them within 63 bits
  return width_of(type) != 0 && width_of(type) <= small ? exact_type::integer : exact_type::any;
}

exact_type exact_number(const program& p, const instruction& in) {
  if (is_float(in.type)) return exact_type::real;
  switch (in.as) {
    case form::plain:
      return exact_integer(in);
    case form::scaled:
      return exact_scaled(p.scales[in.its<scale_rule>()], in.type);
    case form::time:
      return exact_type::text;
    case form::names:
      return in.strict ? exact_type::text : exact_type::any;
    case form::checksum:
      return exact_type::integer;
    default:
      return exact_type::any;
  }
}

exact_type exact_view(const view_rule& rule) {
  if (!rule.mapped) return exact_type::integer;
  const auto exact = [](const view_value& value) {
    return value.what == view_value::kind::text ? exact_type::text : exact_type::integer;
  };
  std::optional<exact_type> all;
  if (rule.otherwise) all = exact(*rule.otherwise);
  for (const auto& [number, value] : rule.map) {
    if (all && *all != exact(value)) return exact_type::any;
    all = exact(value);
  }
  return all.value_or(exact_type::any);
}

/// Walks a program as it packs and unpacks, through all of its cases.
class shape_builder {
 public:
  shape_builder(const program& p, direction way) : p_(p), way_(way) {}

  value_shape whole() {
    place top;
    members(p_.routines.front().begin, p_.routines.front().end, top, true);
    return std::move(top.shape);
  }

 private:
  /// What is being described: the members of a map or tuple, or one value without a name.
  struct place {
    value_shape shape{};
    bool known = false;
  };

  void members(std::int32_t pc, std::int32_t end, place& into, bool sure) {
    for (; pc < end; pc = p_.code[static_cast<std::size_t>(pc)].next) member(pc, into, sure);
  }

  void put(place& into, name_id name, bool hidden, value_shape shape) const {
    if (hidden && way_ == direction::reply) return;
    if (into.shape.what == kind::tuple) {
      into.shape.members.emplace_back(std::to_string(into.shape.members.size()), std::move(shape));
    } else if (name && into.known && into.shape.what == kind::map) {
      value_shape one;
      one.what = kind::map;
      one.required = into.shape.required;
      one.members.emplace_back(p_.names[name].text, std::move(shape));
      merge(into.shape, std::move(one));
    } else if (!name && !into.known) {
      into.shape = std::move(shape);
      into.known = true;
    } else if (!name && into.shape.what != kind::map) {
      merge(into.shape, std::move(shape));
    }
  }

  void member(std::int32_t pc, place& into, bool sure) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    switch (in.code) {
      case op::number:
        return number(in, into, sure);
      case op::blob:
      case op::zero_text:
      case op::until:
        return text(in, into, sure);
      case op::object:
        return object(in, pc, into, sure);
      case op::array:
      case op::list: {
        place element;
        members(pc + 1, in.next, element, true);
        value_shape list;
        list.what = kind::list;
        list.required = sure;
        list.members.emplace_back("", std::move(element.shape));
        return put(into, in.name, in.hidden, std::move(list));
      }
      case op::frames: {
        value_shape list;
        list.what = kind::list;
        list.required = sure;
        list.members.emplace_back("", value_shape{});
        return put(into, in.name, in.hidden, std::move(list));
      }
      case op::region:
        members(pc + 1, in.next, into, sure);
        if (in.left == trailing::keep)
          put(into, in.name, false, scalar(value_shape::json_type::text, exact_type::text));
        return;
      case op::nested:
        return members(pc + 1, in.next, into, sure);
      case op::nullable:
        members(pc + 1, in.next, into, sure);
        return put(into, in.name, in.hidden, scalar(value_shape::json_type::any, exact_type::null));
      case op::placed:
        members(pc + 1, in.next, into, sure);
        if (in.none) put(into, in.name, in.hidden, scalar(value_shape::json_type::any, exact_type::null));
        return;
      case op::choose:
        return choose(in, into);
      case op::view:
        return put(into, in.name, in.hidden,
                   scalar(value_shape::json_type::any, exact_view(p_.views[in.its<view_rule>()])));
      default:
        return;
    }
  }

  static value_shape scalar(value_shape::json_type json, exact_type exact) {
    value_shape made;
    made.what = kind::scalar;
    made.json = json;
    made.exact = exact;
    return made;
  }

  void object(const instruction& in, std::int32_t pc, place& into, bool sure) {
    place inner;
    inner.known = true;
    inner.shape.what = in.positional ? kind::tuple : kind::map;
    inner.shape.required = sure;
    members(pc + 1, in.next, inner, sure);
    // Which place a value has may depend on the case.
    const auto chooses = [&] {
      for (std::int32_t at = pc + 1; at < in.next; ++at)
        if (p_.code[static_cast<std::size_t>(at)].code == op::choose) return true;
      return false;
    };
    if (in.positional && chooses()) inner.shape = {};
    put(into, in.name, in.hidden, std::move(inner.shape));
  }

  void choose(const instruction& in, place& into) {
    const choice_rule& rule = p_.choices[in.its<choice_rule>()];
    for (const choice_case& each : rule.cases) members(each.begin, each.end, into, false);
    if (rule.has_otherwise) members(rule.otherwise.begin, rule.otherwise.end, into, false);
  }

  void number(const instruction& in, place& into, bool sure) {
    if (in.helper) return;
    if (in.as == form::bits) return bits(in, into, sure);
    using json_type = value_shape::json_type;
    const bool plain = in.as == form::plain || in.as == form::scaled;
    const bool boolean = in.type == number_type::boolean;
    value_shape made = scalar(!plain || in.none || is_float(in.type) ? json_type::any
                              : boolean                              ? json_type::boolean
                                                                     : json_type::number,
                              exact_number(p_, in));
    made.required = sure && in.from == value_source::given && in.as != form::checksum;
    made.steers = bool(in.slot);
    made.sample = boolean ? ordered_json(false) : ordered_json(0);
    if (in.as == form::names && in.strict) made.sample = p_.enums[in.its<names_rule>()].names.front().second;
    if (in.from == value_source::constant) made.sample = in.constant;
    if (in.from == value_source::constant && in.as == form::plain && !boolean) made.constant = in.constant;
    if (in.as == form::flags) {
      made.sample = ordered_json::array();
      made.what = kind::list;
      made.members.emplace_back("", scalar(json_type::any, exact_type::any));
    }
    put(into, in.name, in.hidden, std::move(made));
  }

  void bits(const instruction& in, place& into, bool sure) {
    const bits_rule& rule = p_.bits[in.its<bits_rule>()];
    place own;
    own.known = true;
    own.shape.what = kind::map;
    own.shape.required = sure;
    for (const bit_member& m : rule.members) {
      value_shape made = scalar(value_shape::json_type::any, m.boolean ? exact_type::boolean
                                                             : m.names ? exact_type::any
                                                                       : exact_type::integer);
      made.required = sure && m.from == value_source::given;
      made.steers = bool(m.slot);
      made.sample = m.from == value_source::constant ? m.constant : 0;
      if (m.from == value_source::constant && !m.names && !m.boolean) made.constant = m.constant;
      put(rule.spliced ? into : own, m.name, m.hidden, std::move(made));
    }
    if (!rule.spliced) put(into, in.name, in.hidden, std::move(own.shape));
  }

  void text(const instruction& in, place& into, bool sure) {
    if (in.helper) return;
    value_shape made;
    if (in.what == content::message) {
      // A protocol has no other ones.
      made = static_cast<const schema_layout&>(*p_.messages[in.its<embedded_message>()]).shape();
      made.required = sure;
      return put(into, in.name, in.hidden, std::move(made));
    }
    const bool is_json = in.what == content::json || in.what == content::cbor ||
                         in.what == content::msgpack || in.what == content::pairs;
    if (!is_json) made = scalar(value_shape::json_type::text, exact_type::text);
    if (in.what == content::bytes) made.bytes = value_shape::bytes_text::hex;
    if (in.what == content::base64) made.bytes = value_shape::bytes_text::base64;
    made.required = sure && in.from == value_source::given;
    made.sample = in.from == value_source::given ? sample_text(p_, in) : ordered_json(nullptr);
    const bool plain = (in.what == content::text || in.what == content::padded_text) && in.text;
    if (plain) made.sample = p_.texts[in.text];
    if (plain && in.from == value_source::constant) made.constant = p_.texts[in.text];
    put(into, in.name, in.hidden, std::move(made));
  }

  const program& p_;
  direction way_;
};

value_shape of_json(const ordered_json& value) {
  using json_type = value_shape::json_type;
  value_shape made;
  made.what = value.is_object() ? kind::map : value.is_array() ? kind::tuple : kind::scalar;
  made.json = value.is_string()    ? json_type::text
              : value.is_number()  ? json_type::number
              : value.is_boolean() ? json_type::boolean
                                   : json_type::any;
  made.constant = value;
  made.sample = value;
  if (!value.is_structured()) return made;
  for (const auto& [key, inner] : value.items()) made.members.emplace_back(key, of_json(inner));
  return made;
}

value_shape of_parts(const std::vector<json_part>& parts, bool list, direction way) {
  value_shape made;
  made.what = list ? kind::tuple : kind::map;
  made.open = way == direction::reply && !list;
  made.required = true;
  for (const json_part& part : parts) {
    value_shape inner;
    if (part.what == json_part::kind::constant) inner = of_json(part.value);
    if (!part.parts.empty()) inner = of_parts(part.parts, part.what == json_part::kind::list, way);
    inner.required = part.what != json_part::kind::constant && !part.optional;
    made.members.emplace_back(part.name, std::move(inner));
  }
  return made;
}

// Of a map that may have fields beside those that it names, only what is nearly one of them is wrong.
bool is_misspelt(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t shortest = 3;
  const std::string near = nearest(name, known);
  return !near.empty() && std::max(near.size(), name.size()) >= shortest;
}

}  // namespace

const value_shape* value_shape::find(std::string_view name) const noexcept {
  for (const auto& [known, shape] : members)
    if (known == name) return &shape;
  return nullptr;
}

const value_shape* value_shape::at(std::string_view part) const noexcept {
  if (what != kind::list) return find(part);
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  return error == std::errc{} && end == part.data() + part.size() ? &members.front().second : nullptr;
}

std::vector<std::string> value_shape::names() const {
  std::vector<std::string> out;
  for (const auto& [name, inner] : members) out.push_back(name);
  return out;
}

value_shape shape_of(const program& layout, direction way) {
  return shape_builder(layout, way).whole();
}

value_shape shape_of(const message_type& type) {
  if (type.body == message_type::body_kind::layout) return shape_of(type.layout, type.way);
  if (type.body == message_type::body_kind::json) return {};
  value_shape made;
  if (type.schema) {
    made = type.schema->shape();
  } else {
    made = of_parts(type.parts, type.body == message_type::body_kind::json_list, type.way);
    made.what = kind::map;  // a list's places have names
  }
  add_contents(type.contents, type.way, made);
  return made;
}

std::optional<lost_path> find_lost(const value_shape& shape, std::string_view path) {
  if (path.empty() || path == "*") return std::nullopt;
  const value_shape* at = &shape;
  std::string_view left = path;
  for (;;) {
    if (at->what == kind::any || at->at(left) != nullptr) return std::nullopt;
    const auto dot = left.find('.');
    const std::string_view part = left.substr(0, dot);
    const value_shape* next = at->at(part);
    if (next == nullptr && at->open && !is_misspelt(part, at->names())) return std::nullopt;
    if (next == nullptr)
      return lost_path{std::string(path.substr(0, path.size() - left.size() + part.size())), at->names(),
                       at->what};
    if (dot == std::string_view::npos) return std::nullopt;
    at = next;
    left.remove_prefix(dot + 1);
  }
}

}  // namespace duplexd::protocol
