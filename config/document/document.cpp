#include "config/document/document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/document/tree_builder.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using protocol::node_kind;
using protocol::position;

namespace {

position place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t last_line = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<std::uint32_t>(1 + offset - last_line)};
}

/// Neither parser may see these: yaml-cpp takes some of them for the end of the file.
bool is_forbidden(char c) {
  const auto code = static_cast<unsigned char>(c);
  return (code < 0x20 && c != '\t' && c != '\n' && c != '\r') || code == 0x7f;
}

void check_characters(std::string_view text) {
  if (const std::size_t bad = protocol::find_bad_utf8(text); bad != text.size())
    throw unreadable{{place_of(text, bad), "", "the file is not valid UTF-8 here", "save it as UTF-8"}};
  const auto control = std::find_if(text.begin(), text.end(), is_forbidden);
  if (control != text.end())
    throw unreadable{{place_of(text, static_cast<std::size_t>(control - text.begin())), "",
                      fmt::format("control character 0x{:02x}", static_cast<unsigned char>(*control)),
                      "write it as an escape in double quotes"}};
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// digits without a leading zero, or 0x and hexadecimal digits
bool is_whole(std::string_view text) {
  if (text.starts_with("0x"))
    return text.size() > 2 && text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  return all_digits(text) && (text.size() == 1 || text[0] != '0');
}

/// whole [. digits] [e [sign] digits]
bool is_real(std::string_view text) {
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (!all_digits(power)) return false;
    text = text.substr(0, exponent);
  }
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!all_digits(whole) || (whole.size() > 1 && whole[0] == '0')) return false;
  return point == std::string_view::npos || all_digits(text.substr(point + 1));
}

}  // namespace

document_format format_of(std::string_view file) noexcept {
  return file.ends_with(".json") ? document_format::json : document_format::yaml;
}

node_kind kind_of_plain(std::string_view scalar) noexcept {
  for (const std::string_view none : {"", "~", "null", "Null", "NULL"})
    if (scalar == none) return node_kind::null;
  for (const std::string_view word : {"true", "True", "TRUE", "false", "False", "FALSE"})
    if (scalar == word) return node_kind::boolean;
  const bool negative = scalar.starts_with('-');
  const std::string_view magnitude = scalar.substr(negative || scalar.starts_with('+') ? 1 : 0);
  if (is_whole(magnitude)) return node_kind::integer;
  if (is_real(magnitude) || magnitude == ".inf" || scalar == ".nan") return node_kind::real;
  return node_kind::text;
}

std::optional<protocol::node> read_document(std::string_view text, document_format format,
                                            protocol::diagnostics& out) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  try {
    if (text.size() > document_ceiling)
      throw unreadable{
          {{1, 1}, "", fmt::format("the file is larger than {} MiB", document_ceiling >> 20), ""}};
    check_characters(text);
    return format == document_format::json ? read_json(text, out) : read_yaml(text, out);
  } catch (const unreadable& stop) {
    out.push_back(stop.why);
    return std::nullopt;
  }
}

}  // namespace duplexd::config
