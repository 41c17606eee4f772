#include "config/document/tree_builder.hpp"

#include <fmt/format.h>

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;
using protocol::position;

bool tree_builder::expects_key() const noexcept {
  return !open_.empty() && open_.back().value.kind == node_kind::map && !open_.back().has_key;
}

position tree_builder::expected_at() const noexcept {
  if (open_.empty()) return {1, 1};
  return open_.back().has_key ? open_.back().key_where : open_.back().value.where;
}

position tree_builder::open_at() const noexcept {
  return open_.empty() ? position{1, 1} : open_.back().value.where;
}

void tree_builder::key(std::string text, position where) {
  level& map = open_.back();
  map.key = std::move(text);
  map.key_where = where;
  map.has_key = true;
  map.merging = false;
}

void tree_builder::merge_key(position where) {
  key("<<", where);
  if (!open_.back().merges.empty())
    out_.push_back({where, path(), "'<<' stands here twice", "give it a list: <<: [*a, *b]"});
  open_.back().merging = true;
}

void tree_builder::open(node_kind list_or_map, position where) {
  if (open_.size() == depth_ceiling)
    throw unreadable{{where, path(), fmt::format("nested deeper than {} levels", depth_ceiling), ""}};
  level next;
  next.value.kind = list_or_map;
  next.value.where = where;
  open_.push_back(std::move(next));
}

const node& tree_builder::close() {
  apply_merges(open_.back());
  node done = std::move(open_.back().value);
  open_.pop_back();
  used_ += sizeof(node_entry);
  return place(std::move(done));
}

const node& tree_builder::add(node value) {
  account(value, open_.size());
  return place(std::move(value));
}

const node& tree_builder::place(node value) {
  if (open_.empty()) return root_ = std::move(value);
  level& parent = open_.back();
  if (parent.value.kind == node_kind::map) return place_in_map(parent, std::move(value));
  return parent.value.items.emplace_back(std::move(value));
}

const node& tree_builder::place_in_map(level& map, node value) {
  if (map.merging) {
    map.merges.push_back(std::move(value));
    map.has_key = false;
    return map.merges.back();
  }
  const auto [first, is_new] = map.seen.try_emplace(map.key, map.key_where);
  if (!is_new) {
    out_.push_back({map.key_where, path(), fmt::format("'{}' is given twice", map.key),
                    fmt::format("first at {}:{}", first->second.line, first->second.column)});
    map.has_key = false;
    return dropped_ = std::move(value);
  }
  map.value.entries.push_back({std::move(map.key), map.key_where, std::move(value)});
  map.has_key = false;
  return map.value.entries.back().value;
}

/// Counts what an alias multiplies too: a few lines must not become gigabytes.
void tree_builder::account(const node& value, std::size_t depth) {
  used_ += sizeof(node_entry) + value.text.size();
  if (used_ > tree_ceiling)
    throw unreadable{{value.where, path(), "the document is too large, aliases expanded", ""}};
  if (depth > depth_ceiling)
    throw unreadable{{value.where, path(), fmt::format("nested deeper than {} levels", depth_ceiling), ""}};
  for (const node& item : value.items) account(item, depth + 1);
  for (const node_entry& entry : value.entries) {
    used_ += entry.key.size();
    account(entry.value, depth + 1);
  }
}

/// As YAML 1.1's merge type has it: what the map itself says wins, then the earlier of several sources.
void tree_builder::apply_merges(level& map) {
  const auto merge_from = [&](const node& source) {
    if (source.kind != node_kind::map) {
      out_.push_back({source.where, path(), "'<<' takes a map or a list of maps", ""});
      return;
    }
    for (const node_entry& entry : source.entries)
      if (map.seen.try_emplace(entry.key, entry.where).second) map.value.entries.push_back(entry);
  };
  for (const node& source : map.merges) {
    if (source.kind != node_kind::list) merge_from(source);
    for (const node& item : source.items) merge_from(item);
  }
}

std::string tree_builder::path() const {
  std::string text;
  for (const level& each : open_) {
    if (each.value.kind == node_kind::list)
      text += fmt::format("[{}]", each.value.items.size());
    else if (each.has_key)
      text += (text.empty() ? "" : ".") + each.key;
  }
  return text;
}

}  // namespace duplexd::config
