#include "config/document/merged_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

node_entry* entry_of(node& map, std::string_view key) {
  const auto found = std::ranges::find(map.entries, key, &node_entry::key);
  return found == map.entries.end() ? nullptr : &*found;
}

/// Where each name of a map stands first, so that many names are no more work than they are.
using places = std::unordered_map<std::string, protocol::position>;

void add(node& to, node_entry entry, const std::string& path, places& known, reading& in) {
  const auto [first, is_new] = known.emplace(entry.key, entry.where);
  if (is_new)
    to.entries.push_back(std::move(entry));
  else
    in.mistakes.push_back({entry.where, path, fmt::format("'{}' is given twice", entry.key),
                           "first at " + in.text_of(first->second)});
}

/// The whole document in the making.
struct merger {
  reading& in;
  node whole{};
  places sections{};
  std::map<std::string, places, std::less<>> parts{};  ///< of the sections that hold named parts

  void add_section(node_entry section) {
    node_entry* const first = entry_of(whole, section.key);
    const bool are_maps =
        first != nullptr && first->value.kind == node_kind::map && section.value.kind == node_kind::map;
    if (are_maps && holds_named_parts(section.key)) {
      places& known = parts[section.key];
      if (known.empty())
        for (const node_entry& each : first->value.entries) known.emplace(each.key, each.where);
      for (node_entry& each : section.value.entries)
        add(first->value, std::move(each), section.key, known, in);
    } else if (first != nullptr && section.key == "version" && first->value.text == section.value.text) {
      return;
    } else if (!section.key.starts_with("x-")) {
      add(whole, std::move(section), "", sections, in);
    }
  }
};

}  // namespace

bool holds_named_parts(std::string_view section) noexcept {
  constexpr std::array<std::string_view, 4> all{"sessions", "templates", "outputs", "protocols"};
  return std::ranges::find(all, section) != all.end();
}

void set_file(node& document, std::uint32_t file) {
  document.where.file = file;
  for (node& each : document.items) set_file(each, file);
  for (node_entry& each : document.entries) {
    each.where.file = file;
    set_file(each.value, file);
  }
}

node merge_documents(std::vector<node> parts, reading& in) {
  merger made{in};
  made.whole.kind = node_kind::map;
  if (!parts.empty()) made.whole.where = parts.front().where;
  for (node& part : parts) {
    if (part.kind == node_kind::null) continue;  // nothing but comments
    if (part.kind != node_kind::map)
      in.mistakes.push_back({part.where, "", fmt::format("expected a map, got {}", describe(part.kind)), ""});
    for (node_entry& each : part.entries) made.add_section(std::move(each));
  }
  return std::move(made.whole);
}

}  // namespace duplexd::config
