#include "protocol/document/node_json.hpp"

#include <charconv>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

ordered_json integer(const std::string& text) {
  if (const auto value = parse_integer(text)) return *value;
  std::uint64_t natural = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), natural);
  if (failed == std::errc() && end == text.data() + text.size()) return natural;
  return ordered_json::parse(text, nullptr, false);
}

ordered_json real(const std::string& text) {
  double value = 0;
  const char* from = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, failed] = std::from_chars(from, text.data() + text.size(), value);
  if (failed == std::errc() && end == text.data() + text.size()) return value;
  return text;  // ".inf" and the like: the texts that stand for them are "inf", "-inf" and "nan"
}

}  // namespace

ordered_json to_json(const node& from) {
  switch (from.kind) {
    case node_kind::null:
      return nullptr;
    case node_kind::boolean:
      return from.text == "true" || from.text == "True" || from.text == "TRUE";
    case node_kind::integer:
      return integer(from.text);
    case node_kind::real:
      return real(from.text);
    case node_kind::text:
      return from.text;
    case node_kind::list: {
      ordered_json out = ordered_json::array();
      for (const node& item : from.items) out.push_back(to_json(item));
      return out;
    }
    case node_kind::map: {
      ordered_json out = ordered_json::object();
      for (const node_entry& entry : from.entries) out[entry.key] = to_json(entry.value);
      return out;
    }
  }
  return nullptr;
}

bool same_json(const ordered_json& a, const ordered_json& b) {
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a.items()) {
      const auto other = b.find(key);
      if (other == b.end() || !same_json(value, *other)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same_json(a[i], b[i])) return false;
    return true;
  }
  return a == b;
}

}  // namespace duplexd::protocol
