#include "config/document/yaml_text.hpp"

#include <algorithm>
#include <string_view>

#include "config/document/document.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

constexpr std::size_t widest = 110;

bool is_plain(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && is_letter(text.front()) && kind_of_plain(text) == protocol::node_kind::text &&
         std::ranges::all_of(text, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
         });
}

// JSON's texts are texts of YAML, too; what is beyond ASCII would need surrogates as an escape.
std::string scalar(const ordered_json& value) {
  if (value.is_null()) return "~";
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string key_of(const std::string& key) {
  return scalar(ordered_json(key));
}

std::string in_one_line(const ordered_json& value) {
  if (!value.is_structured()) return scalar(value);
  std::string out = value.is_object() ? "{" : "[";
  for (const auto& [key, each] : value.items()) {
    if (out.size() > 1) out += ", ";
    if (value.is_object()) out += key_of(key) + ": ";
    out += in_one_line(each);
    if (out.size() > widest) break;  // it will not be used
  }
  return out + (value.is_object() ? "}" : "]");
}

void write(const ordered_json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  for (const auto& [key, each] : value.items()) {
    const std::string head = margin + (value.is_object() ? key_of(key) + ":" : "-");
    std::string line = head;
    line.append(" ").append(in_one_line(each));
    const bool is_section = indent == 0 && each.is_object() && !each.empty();
    if (!each.is_structured() || each.empty() || (line.size() <= widest && !is_section)) {
      out.append(line).append("\n");
      continue;
    }
    std::string inner;
    write(each, indent + 2, inner);
    if (value.is_object())
      out.append(head).append("\n").append(inner);
    else
      out.append(head).append(inner, indent + 1);  // the first line stands behind the dash
  }
}

}  // namespace

std::string yaml_text(const ordered_json& value) {
  if (!value.is_structured() || value.empty()) return in_one_line(value) + "\n";
  std::string out;
  write(value, 0, out);
  return out;
}

}  // namespace duplexd::config
