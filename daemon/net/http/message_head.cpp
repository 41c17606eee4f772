#include "daemon/net/http/message_head.hpp"

#include <algorithm>

#include "daemon/net/http/header_check.hpp"

namespace duplexd::net {

const std::string* message_head::first(std::string_view name) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& field) { return is_same_header(field.first, name); });
  return found == fields.end() ? nullptr : &found->second;
}

std::optional<std::string> message_head::list(std::string_view name) const {
  std::optional<std::string> all;
  for (const auto& [each, value] : fields) {
    if (!is_same_header(each, name)) continue;
    if (all)
      all->append(", ").append(value);
    else
      all = value;
    if (is_same_header(name, "set-cookie")) break;
  }
  return all;
}

bool message_head::has_token(std::string_view name, std::string_view token) const {
  const std::string all = list(name).value_or("");
  for (std::string_view left = all; !left.empty();) {
    const auto end = std::min(left.find(','), left.size());
    std::string_view each = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
    each = each.substr(0, each.find_last_not_of(" \t") + 1);
    if (is_same_header(each, token)) return true;
  }
  return false;
}

std::size_t end_of_block(std::string_view text, std::size_t scanned, bool may_be_empty) {
  if (may_be_empty) {
    if (text.starts_with('\n')) return 1;
    if (text.starts_with("\r\n")) return 2;
  }
  for (std::size_t at = scanned - std::min<std::size_t>(scanned, 2); at < text.size(); ++at) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) break;
    const auto behind = text.substr(at + 1, 2);
    if (behind.starts_with('\n')) return at + 2;
    if (behind == "\r\n") return at + 3;
  }
  return std::string_view::npos;
}

}  // namespace duplexd::net
