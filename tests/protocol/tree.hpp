#pragma once

#include <string>
#include <vector>

#include "protocol/document/node.hpp"

namespace duplexd::protocol::testing {

/// Builds configuration trees in tests, so that they need no YAML reader. Each map entry and list item stands
/// on a line of its own, scalars at column 10.
inline node text(std::string value, std::uint32_t line = 1) {
  node out;
  out.kind = node_kind::text;
  out.where = {line, 10};
  out.text = std::move(value);
  return out;
}
inline node integer(long long value) {
  node out = text(std::to_string(value));
  out.kind = node_kind::integer;
  return out;
}
inline node boolean(bool value) {
  node out = text(value ? "true" : "false");
  out.kind = node_kind::boolean;
  return out;
}
inline node nothing() {
  return {};
}
inline node list(std::vector<node> items) {
  node out;
  out.kind = node_kind::list;
  out.where = {1, 1};
  out.items = std::move(items);
  return out;
}
inline node map(std::vector<std::pair<std::string, node>> entries) {
  node out;
  out.kind = node_kind::map;
  out.where = {1, 1};
  for (auto& [key, value] : entries) out.entries.push_back({key, {value.where.line, 1}, std::move(value)});
  return out;
}

}  // namespace duplexd::protocol::testing
