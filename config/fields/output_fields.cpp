#include "config/fields/output_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/reference/reference.hpp"

namespace duplexd::config {

std::optional<std::vector<template_part>> parse_event_template(std::string_view text, std::string& error) {
  std::vector<template_part> parts(1);
  while (!text.empty()) {
    const auto begin = text.find("${");
    parts.back().literal += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin + 2);
    if (parts.back().literal.ends_with('$')) {  // of "$${", which begins with one '$' more
      parts.back().literal += '{';
      continue;
    }
    const auto end = text.find('}');
    const std::string column{text.substr(0, end)};
    std::string ignored;
    if (end == std::string_view::npos)
      error = fmt::format("'${{{}' has no closing brace", column);
    else if (column.find_first_not_of(" \t\r\n") == std::string::npos)
      error = "'${}' names nothing";
    else if (column.find_first_of("{|") != std::string::npos || parse_reference(column, ignored))
      error = fmt::format("'${{{}}}' is not a part of an event", column);
    if (!error.empty()) return std::nullopt;
    parts.back().column = column;
    parts.emplace_back();
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string value_path(std::string_view column) {
  constexpr std::array others = {"time", "session", "event", "reply"};
  if (std::ranges::find(others, column) != others.end()) return "";
  return std::string(column.starts_with("data.") ? column.substr(5) : column);
}

std::optional<std::string> visible_secret(const std::vector<text_template>& program) {
  for (const text_template& part : program)
    for (const reference& what : part.references()) {
      const bool secret =
          what.source == reference_source::credential || what.source == reference_source::file;
      std::string text = written(what);
      if (secret && part.display().find(text.substr(0, text.size() - 1)) != std::string::npos) return text;
    }
  return std::nullopt;
}

}  // namespace duplexd::config
