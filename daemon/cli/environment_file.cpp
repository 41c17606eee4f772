#include "daemon/cli/environment_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/text/parts.hpp"

namespace duplexd::cli {

namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto good = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, good);
}

}  // namespace

std::string parse_environment(std::string_view text, std::vector<std::pair<std::string, std::string>>& out) {
  const auto trimmed = [](std::string_view part) { return protocol::trimmed(part, " \t\r"); };
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto sign = line.find('=');
    if (sign == std::string_view::npos || !is_name(trimmed(line.substr(0, sign))))
      return fmt::format("line {} is not NAME=VALUE", number);
    std::string_view value = trimmed(line.substr(sign + 1));
    if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
      if (value.size() < 2 || value.back() != value.front())
        return fmt::format("line {}: the quote is not closed", number);
      value = value.substr(1, value.size() - 2);
    }
    if (value.find('\0') != std::string_view::npos) return fmt::format("line {} has a zero byte", number);
    out.emplace_back(trimmed(line.substr(0, sign)), value);
  }
  return "";
}

}  // namespace duplexd::cli
