#include "protocol/message/message_contents.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "protocol/codec/packer.hpp"
#include "protocol/codec/unpacker.hpp"
#include "protocol/codec/value_visitor.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

/// An error of the content, which names its only field, as one of the message.
codec_error placed(const text_content& content, codec_error error, bool has_offset) {
  std::string field = fmt::format("{}", fmt::join(content.path, "."));
  field += error.field.substr(std::min(error.field.size(), std::string_view(content_field).size()));
  if (has_offset) error.message = fmt::format("at byte {} of its content: {}", error.offset, error.message);
  return {std::move(field), 0, std::move(error.message)};
}

std::optional<codec_error> unpack_content(const text_content& content, std::string_view quoted,
                                          std::string& value) {
  const ordered_json text = ordered_json::parse(quoted, nullptr, false);
  if (!text.is_string()) return placed(content, {"", 0, "expected a text"}, false);
  const auto& bytes = text.get_ref<const std::string&>();
  json_writer visitor(value);
  codec_error error;
  if (unpack(content.layout, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, visitor,
             error)) {
    value.pop_back();  // {"value":…}
    value.erase(0, value.find(':') + 1);
    return std::nullopt;
  }
  return placed(content, std::move(error), true);
}

ordered_json* find_value(const text_content& content, const std::vector<std::string>& slots,
                         ordered_json& in) {
  ordered_json* at = &in;
  for (const std::string& part : content.path) {
    if (at->is_object()) {
      const auto found = at->find(part);
      if (found == at->end()) return nullptr;
      at = &*found;
      continue;
    }
    if (!at->is_array()) return nullptr;
    const auto slot = at == &in ? std::ranges::find(slots, part) : slots.end();
    const auto index = slot != slots.end() ? slot - slots.begin() : parse_integer(part).value_or(-1);
    if (index < 0 || static_cast<std::size_t>(index) >= at->size()) return nullptr;
    at = &(*at)[static_cast<std::size_t>(index)];
  }
  return at;
}

}  // namespace

std::optional<codec_error> unpack_contents(const std::vector<text_content>& contents, std::string& json,
                                           std::size_t begin) {
  for (const text_content& each : contents) {
    const auto found = find_json(std::string_view(json).substr(begin), each.path);
    if (!found || *found == "null") continue;
    std::string value;
    if (auto error = unpack_content(each, *found, value)) return error;
    json.replace(static_cast<std::size_t>(found->data() - json.data()), found->size(), value);
  }
  return std::nullopt;
}

std::optional<codec_error> pack_contents(const std::vector<text_content>& contents,
                                         const std::vector<std::string>& slots, ordered_json& values) {
  for (const text_content& each : contents | std::views::reverse) {
    ordered_json* const value = find_value(each, slots, values);
    if (value == nullptr || value->is_null()) continue;
    std::vector<std::uint8_t> bytes;
    if (auto error = pack_layout(each.layout, {{content_field, std::move(*value)}}, bytes))
      return placed(each, std::move(*error), false);
    std::string text(bytes.begin(), bytes.end());
    if (find_bad_utf8(text) != text.size())
      return placed(each, {"", 0, "its content is not UTF-8, which a text is (write decode: base64)"}, false);
    *value = std::move(text);
  }
  return std::nullopt;
}

void add_contents(const std::vector<text_content>& contents, direction way, value_shape& shape) {
  for (const text_content& each : contents) {
    value_shape* at = &shape;
    for (const std::string& part : each.path) {
      const auto found =
          std::ranges::find(at->members, part, [](const auto& member) { return member.first; });
      at = found == at->members.end() ? nullptr : &found->second;
      if (at == nullptr) break;
    }
    if (at == nullptr) continue;
    const bool required = at->required;
    *at = shape_of(each.layout, way).members.front().second;
    at->required = required;
  }
}

}  // namespace duplexd::protocol
