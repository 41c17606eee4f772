#include "config/document/source_map.hpp"

#include <fmt/format.h>

#include "config/document/merged_document.hpp"

namespace duplexd::config {

using protocol::node_entry;

source_map::source_map(const protocol::node& document, const reading& in) : in_(in) {
  for (const node_entry& top : document.entries) {
    starts_[top.where] = top.key;
    if (!holds_named_parts(top.key)) continue;
    for (const node_entry& part : top.value.entries) starts_[part.where] = top.key + "." + part.key;
  }
}

std::string source_map::part_of(protocol::position where) const {
  const auto after = starts_.upper_bound(where);
  return after == starts_.begin() ? "" : std::prev(after)->second;
}

void source_map::add_hints(protocol::diagnostics& all, std::size_t first, const node_entry& session) const {
  const std::string own = "sessions." + session.key;
  for (std::size_t i = first; i < all.size(); ++i) {
    const std::string part = part_of(all[i].where);
    if (part == own || part.empty()) continue;
    const std::string used =
        fmt::format("{}, used by session '{}' at {}", part, session.key, in_.text_of(session.where));
    all[i].hint += (all[i].hint.empty() ? "" : "; ") + used;
  }
}

}  // namespace duplexd::config
