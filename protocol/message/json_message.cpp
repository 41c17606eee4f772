#include <fmt/format.h>

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

std::optional<codec_error> unknown_field(const message_type& type, const ordered_json& values) {
  std::vector<std::string> known;
  for (const json_part& part : type.parts) known.push_back(part.name);
  for (const auto& [key, value] : values.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string hint = suggest(key, known);
    return codec_error{key, 0, fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint)};
  }
  return std::nullopt;
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

}  // namespace

std::optional<codec_error> pack_json(const message_type& type, const ordered_json& values,
                                     std::vector<std::uint8_t>& out) {
  std::string text;
  if (type.body == message_type::body_kind::json) {
    if (!append_json(text, values.is_null() ? ordered_json::object() : values, type.style))
      return codec_error{"", 0, "a text in it is not UTF-8"};
    append_bytes(out, text);
    return std::nullopt;
  }
  if (!values.is_null() && !values.is_object())
    return codec_error{"", 0, fmt::format("expected a map, found {}", kind_of(values))};
  if (auto error = unknown_field(type, values)) return error;
  const bool list = type.body == message_type::body_kind::json_list;
  ordered_json whole = list ? ordered_json::array() : ordered_json::object();
  bool skipped = false;
  for (const json_part& part : type.parts) {
    const auto found = values.is_object() ? values.find(part.name) : values.end();
    const bool given = values.is_object() && found != values.end();
    if (!given && !part.fixed && !part.optional) return codec_error{part.name, 0, "the field is missing"};
    if (given && part.fixed && !same_json(*found, part.value))
      return codec_error{part.name, 0,
                         fmt::format("it is always {}, found {}", shown(part.value), shown(*found))};
    if (!given && !part.fixed) {
      skipped = true;
      continue;
    }
    if (list && skipped) return codec_error{part.name, 0, "a slot before it is left out"};
    const ordered_json& value = given ? *found : part.value;
    if (list)
      whole.push_back(value);
    else
      whole[part.name] = value;
  }
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
  const auto fail = [&](const std::string& field, std::string message) {
    codec_error error{field, 0, std::move(message)};
    out.resize(before);
    return error;
  };
  if (whole.front() != (list ? '[' : '{')) return fail("", list ? "expected a list" : "expected a map");
  std::string named = "{";
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    const json_part& part = type.parts[i];
    const auto found = find_json(whole, {list ? std::to_string(i) : part.name});
    if (!found) {
      if (part.optional) continue;
      return fail(part.name, list ? fmt::format("slot {} is missing", i) : "the field is missing");
    }
    if (part.fixed && !same_json(ordered_json::parse(*found, nullptr, false), part.value))
      return fail(part.name, fmt::format("expected {}, found {}", shown(part.value), found->substr(0, 80)));
    if (named.size() > 1) named += ',';
    append_quoted(named, part.name);
    named += ':';
    named += *found;
  }
  if (!list) return std::nullopt;
  if (find_json(whole, {std::to_string(type.parts.size())}))
    return fail("", fmt::format("expected {} slots, found more", type.parts.size()));
  out += named;
  out += '}';
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
