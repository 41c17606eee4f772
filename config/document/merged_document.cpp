#include "config/document/merged_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

void add(node& to, node_entry entry, const std::string& path, reading& in) {
  const node_entry* const first = entry_of(to, entry.key);
  if (first == nullptr)
    to.entries.push_back(std::move(entry));
  else
    in.mistakes.push_back({entry.where, path, fmt::format("'{}' is given twice", entry.key),
                           "first at " + in.text_of(first->where)});
}

void add_section(node& whole, node_entry section, reading& in) {
  node_entry* const first = entry_of(whole, section.key);
  const bool are_maps =
      first != nullptr && first->value.kind == node_kind::map && section.value.kind == node_kind::map;
  if (are_maps && holds_named_parts(section.key)) {
    for (node_entry& each : section.value.entries) add(first->value, std::move(each), section.key, in);
  } else if (first != nullptr && section.key == "version" && first->value.text == section.value.text) {
    return;
  } else if (!section.key.starts_with("x-")) {
    add(whole, std::move(section), "", in);
  }
}

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
  node whole;
  whole.kind = node_kind::map;
  if (!parts.empty()) whole.where = parts.front().where;
  for (node& part : parts) {
    if (part.kind == node_kind::null) continue;  // nothing but comments
    if (part.kind != node_kind::map)
      in.mistakes.push_back({part.where, "", fmt::format("expected a map, got {}", describe(part.kind)), ""});
    for (node_entry& each : part.entries) add_section(whole, std::move(each), in);
  }
  return whole;
}

}  // namespace duplexd::config
