#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/document/node_json.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

void append_bytes(std::vector<std::uint8_t>& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
}

codec_error not_json(const json_fault& fault) {
  return {"", fault.offset, fmt::format("not JSON: {}", fault.message)};
}

/// What Python's json.loads takes beside JSON, as JSON; nothing if that is not what is wrong.
std::optional<std::string> as_python_reads(const message_type& type, std::string_view text) {
  return type.style == json_style::python ? replace_non_finite(text) : std::nullopt;
}

std::string shown(const ordered_json& value) {
  std::string out;
  return append_json(out, value, json_style::compact) ? out : "a value that is not UTF-8";
}

using parts = std::vector<json_part>;

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

const json_part* find_part(const parts& among, std::string_view name) {
  const auto found = std::ranges::find(among, name, &json_part::name);
  return found == among.end() ? nullptr : &*found;
}

void add_paths(const parts& from, const std::string& path, std::vector<std::string>& to) {
  for (const json_part& part : from) {
    const std::string at = below(path, part.name);
    to.push_back(at);
    add_paths(part.parts, at, to);
  }
}

/// Puts together what a command sends.
class template_filler {
 public:
  explicit template_filler(const parts& all) : all_(all) {}

  std::optional<codec_error> fill(bool list, const ordered_json& values, ordered_json& out) const {
    const bool has_paths = std::ranges::any_of(
        values.items(), [](const auto& each) { return each.key().find('.') != std::string::npos; });
    if (!has_paths) return fill(all_, list, values.is_null() ? nullptr : &values, "", out);
    const ordered_json given = nested(values);
    return fill(all_, list, &given, "", out);
  }

 private:
  // What goes under `{"d.id": 5}` is found under `{"d": {"id": 5}}`.
  ordered_json nested(const ordered_json& values) const {
    ordered_json out = ordered_json::object();
    for (const auto& [key, value] : values.items()) {
      ordered_json* to = &out;
      const parts* among = &all_;
      std::string_view left = key;
      for (std::size_t dot = left.find('.'); among != nullptr && dot != std::string_view::npos;
           dot = left.find('.')) {
        const json_part* outer =
            find_part(*among, left) != nullptr ? nullptr : find_part(*among, left.substr(0, dot));
        if (outer == nullptr || outer->parts.empty()) break;
        to = &(*to)[outer->name];
        if (!to->is_object()) *to = ordered_json::object();
        among = &outer->parts;
        left.remove_prefix(dot + 1);
      }
      const bool is_path = among != &all_ && find_part(*among, left) != nullptr;
      (is_path ? *to : out)[is_path ? std::string(left) : key] = value;
    }
    return out;
  }

  std::optional<codec_error> fill(const parts& among, bool list, const ordered_json* given,
                                  const std::string& path, ordered_json& out) const {
    if (auto error = superfluous(among, given, path)) return error;
    out = list ? ordered_json::array() : ordered_json::object();
    bool skipped = false;
    for (std::size_t i = 0; i < among.size(); ++i) {
      const json_part& part = among[i];
      const std::string at = below(path, part.name);
      ordered_json value;
      bool left_out = false;
      if (auto error = place(part, value_of(part, i, given), at, value, left_out)) return error;
      skipped = skipped || left_out;
      if (left_out) continue;
      if (list && skipped) return codec_error{at, 0, "a slot before it is left out"};
      if (list)
        out.push_back(std::move(value));
      else
        out[part.name] = std::move(value);
    }
    return std::nullopt;
  }

  static const ordered_json* value_of(const json_part& part, std::size_t index, const ordered_json* given) {
    if (given == nullptr) return nullptr;
    if (given->is_array()) return index < given->size() ? &(*given)[index] : nullptr;
    const auto found = given->find(part.name);
    return found == given->end() ? nullptr : &*found;
  }

  std::optional<codec_error> superfluous(const parts& among, const ordered_json* given,
                                         const std::string& path) const {
    if (given == nullptr) return std::nullopt;
    if (given->is_array()) {
      if (given->size() <= among.size()) return std::nullopt;
      return codec_error{path, 0,
                         fmt::format("{} values are given, {} are wanted", given->size(), among.size())};
    }
    for (const auto& [key, value] : given->items()) {
      if (find_part(among, key) != nullptr) continue;
      std::vector<std::string> known;
      add_paths(all_, "", known);
      const std::string field = below(path, key);
      const std::string hint = suggest(field, known);
      return codec_error{field, 0, fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint)};
    }
    return std::nullopt;
  }

  std::optional<codec_error> place(const json_part& part, const ordered_json* given, const std::string& path,
                                   ordered_json& out, bool& left_out) const {
    left_out = given == nullptr && part.optional && part.what != json_part::kind::constant;
    if (left_out) return std::nullopt;
    if (part.what == json_part::kind::slot) {
      if (given == nullptr) return codec_error{path, 0, "the field is missing"};
      out = *given;
      return std::nullopt;
    }
    if (part.what == json_part::kind::constant) {
      if (given != nullptr && !same_json(*given, part.value))
        return codec_error{path, 0,
                           fmt::format("it is always {}, found {}", shown(part.value), shown(*given))};
      out = part.value;
      return std::nullopt;
    }
    const bool list = part.what == json_part::kind::list;
    if (given != nullptr && !given->is_object() && !(list && given->is_array()))
      return codec_error{path, 0,
                         fmt::format("expected {}, found {}", list ? "a list" : "a map", kind_of(*given))};
    return fill(part.parts, list, given, path, out);
  }

  const parts& all_;
};

/// Compares what came with the template.
std::optional<codec_error> compare(const parts& among, bool list, std::string_view whole,
                                   const std::string& path) {
  if (whole.front() != (list ? '[' : '{'))
    return codec_error{path, 0, list ? "expected a list" : "expected a map"};
  for (std::size_t i = 0; i < among.size(); ++i) {
    const json_part& part = among[i];
    const std::string at = below(path, part.name);
    const auto found = find_json(whole, {list ? std::to_string(i) : part.name});
    if (!found) {
      if (part.optional) continue;
      return codec_error{at, 0, list ? fmt::format("slot {} is missing", i) : "the field is missing"};
    }
    if (part.what == json_part::kind::constant &&
        !same_json(ordered_json::parse(*found, nullptr, false), part.value))
      return codec_error{at, 0,
                         fmt::format("expected {}, found {}", shown(part.value), found->substr(0, 80))};
    if (part.parts.empty()) continue;
    if (auto error = compare(part.parts, part.what == json_part::kind::list, *found, at)) return error;
  }
  if (list && find_json(whole, {std::to_string(among.size())}))
    return codec_error{path, 0, fmt::format("expected {} slots, found more", among.size())};
  return std::nullopt;
}

}  // namespace

std::optional<codec_error> pack_json(const message_type& type, const ordered_json& values,
                                     std::vector<std::uint8_t>& out) {
  ordered_json whole = ordered_json::object();
  if (type.body != message_type::body_kind::json) {
    if (!values.is_null() && !values.is_object())
      return codec_error{"", 0, fmt::format("expected a map, found {}", kind_of(values))};
    const bool list = type.body == message_type::body_kind::json_list;
    if (auto error = template_filler(type.parts).fill(list, values, whole)) return error;
  } else if (!values.is_null()) {
    whole = values;
  }
  std::vector<std::string> slots;
  if (whole.is_array())
    for (const json_part& part : type.parts) slots.push_back(part.name);
  if (auto error = pack_contents(type.contents, slots, whole)) return error;
  std::string text;
  if (!append_json(text, whole, type.style)) return codec_error{"", 0, "a text in it is not UTF-8"};
  append_bytes(out, text);
  return std::nullopt;
}

std::optional<codec_error> unpack_json(const message_type& type, std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  std::string checked;
  const bool list = type.body == message_type::body_kind::json_list;
  std::string& to = list ? checked : out;
  if (const auto fault = copy_json(text, to, type.json_depth)) {
    const auto plain = as_python_reads(type, text);
    return plain ? unpack_json(type, *plain, out) : not_json(*fault);
  }
  if (type.body == message_type::body_kind::json) return std::nullopt;
  const std::string_view whole = std::string_view(to).substr(list ? 0 : before);
  if (auto error = compare(type.parts, list, whole, "")) {
    out.resize(before);
    return error;
  }
  if (!list) return std::nullopt;
  char next = '{';
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    const auto found = find_json(whole, {std::to_string(i)});
    if (!found) continue;
    out += std::exchange(next, ',');
    append_quoted(out, type.parts[i].name);
    out += ':';
    out += *found;
  }
  out += next == '{' ? "{}" : "}";
  return std::nullopt;
}

std::optional<codec_error> check_json_message(const message_type& type, std::string_view text) {
  if (type.body != message_type::body_kind::json) {
    std::string ignored;
    return unpack_json(type, text, ignored);
  }
  if (const auto fault = check_json(text, type.json_depth)) {
    const auto plain = as_python_reads(type, text);
    return plain ? check_json_message(type, *plain) : not_json(*fault);
  }
  return std::nullopt;
}

}  // namespace duplexd::protocol
