#include "config/document/source_map.hpp"

#include <fmt/format.h>

namespace duplexd::config {

using protocol::node_entry;

source_map::source_map(const protocol::node& document) {
  for (const node_entry& top : document.entries) {
    starts_[{top.where.line, top.where.column}] = top.key;
    if (top.key != "sessions" && top.key != "templates" && top.key != "protocols") continue;
    for (const node_entry& part : top.value.entries)
      starts_[{part.where.line, part.where.column}] = top.key + "." + part.key;
  }
}

std::string source_map::part_of(protocol::position where) const {
  const auto after = starts_.upper_bound({where.line, where.column});
  return after == starts_.begin() ? "" : std::prev(after)->second;
}

void source_map::add_hints(protocol::diagnostics& all, std::size_t first, const node_entry& session) const {
  const std::string own = "sessions." + session.key;
  for (std::size_t i = first; i < all.size(); ++i) {
    const std::string part = part_of(all[i].where);
    if (part == own || part.empty()) continue;
    const std::string used = fmt::format("{}, used by session '{}' at {}:{}", part, session.key,
                                         session.where.line, session.where.column);
    all[i].hint += (all[i].hint.empty() ? "" : "; ") + used;
  }
}

}  // namespace duplexd::config
