#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace duplexd::protocol {

/// Where something stands in a file: line and column count from 1, in bytes; 0 means unknown.
struct position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t file = 0;  ///< of a document of several: which of its files, from 0
  friend bool operator==(const position&, const position&) = default;
  friend auto operator<=>(const position& a, const position& b) noexcept {
    return std::tie(a.file, a.line, a.column) <=> std::tie(b.file, b.line, b.column);
  }
};

/// What a node holds. Scalars of a file keep their text, whatever their kind.
enum class node_kind : std::uint8_t { null, boolean, integer, real, text, list, map };

/// The name of a kind as an error message says it: "a list", "a text", …
[[nodiscard]] std::string_view describe(node_kind kind) noexcept;

struct node_entry;

/// One value of a configuration document with its place, whichever notation (YAML, JSON) it was written in.
/// A plain value type: copies are deep, no thread rules.
struct node {
  node_kind kind = node_kind::null;
  position where;
  std::string text;                 ///< a scalar's text as written, without quotes
  std::vector<node> items;          ///< a list's items
  std::vector<node_entry> entries;  ///< a map's entries, in the order of the file, keys unique

  [[nodiscard]] bool is_scalar() const noexcept { return kind < node_kind::list; }

  /// The value under `key` of a map, or null.
  [[nodiscard]] const node* find(std::string_view key) const noexcept;
};

struct node_entry {
  std::string key;
  position where;  ///< the key's place
  node value;
};

}  // namespace duplexd::protocol
