#include "daemon/cli/json_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "protocol/document/node_json.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t longest_shown = 200;  // bytes of a value

std::string below(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

}  // namespace

std::string brief_text(std::string_view text) {
  return protocol::printable(text, longest_shown);
}

std::string brief(const ordered_json& value) {
  return brief_text(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void append_differences(std::vector<std::string>& out, const std::string& path, const ordered_json& expected,
                        const ordered_json& got, comparison how) {
  if (expected.is_object() && got.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      const auto found = got.find(key);
      if (found != got.end())
        append_differences(out, below(path, key), value, *found, how);
      else
        out.push_back(fmt::format("{}: expected {}, got no such field", below(path, key), brief(value)));
    }
    if (how == comparison::named_fields) return;
    for (const auto& [key, value] : got.items())
      if (!expected.contains(key))
        out.push_back(fmt::format("{}: expected no such field, got {}", below(path, key), brief(value)));
  } else if (expected.is_array() && got.is_array()) {
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
      const std::string item = fmt::format("{}[{}]", path, i);
      if (i >= expected.size())
        out.push_back(fmt::format("{}: expected no such item, got {}", item, brief(got[i])));
      else if (i >= got.size())
        out.push_back(fmt::format("{}: expected {}, got no such item", item, brief(expected[i])));
      else
        append_differences(out, item, expected[i], got[i], how);
    }
  } else if (!protocol::same_json(expected, got)) {
    out.push_back(fmt::format("{}: expected {}, got {}", path, brief(expected), brief(got)));
  }
}

}  // namespace duplexd::cli
