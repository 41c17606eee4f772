#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// What a document may be at most. A configuration of ten thousand sessions stays well below.
inline constexpr std::size_t document_ceiling = 16u << 20;  ///< bytes of the file
inline constexpr std::size_t tree_ceiling = 256u << 20;     ///< bytes in memory, aliases expanded
inline constexpr std::size_t depth_ceiling = 64;            ///< maps and lists inside each other

/// Why reading cannot go on. Thrown and caught inside the readers only.
struct unreadable {
  protocol::diagnostic why;
};

/// Makes a tree of nodes from the events of a parser. Both notations go through it, so that duplicate keys,
/// depth and size are judged alike. Throws `unreadable` at a ceiling.
class tree_builder {
 public:
  explicit tree_builder(protocol::diagnostics& out) : out_(out) {}

  /// A map that is open and waits for a key, not for a value.
  [[nodiscard]] bool expects_key() const noexcept;

  /// The place of the value to come if the parser does not know it: its key's, or the list's.
  [[nodiscard]] protocol::position expected_at() const noexcept;

  /// Where the innermost list or map that is still open starts.
  [[nodiscard]] protocol::position open_at() const noexcept;

  void key(std::string text, protocol::position where);

  /// YAML's `<<`: the entries of the value to come are taken over where the map has none of that name.
  void merge_key(protocol::position where);

  void open(protocol::node_kind list_or_map, protocol::position where);

  /// Ends the innermost list or map. The result lives until the next call of any member.
  const protocol::node& close();

  /// A scalar, or a whole tree that an alias stands for. The result lives until the next call of any member.
  const protocol::node& add(protocol::node value);

  /// Counts a copy that the reader keeps for aliases to come.
  void charge(const protocol::node& copy) { account(copy, open_.size()); }

  [[nodiscard]] protocol::node take() { return std::move(root_); }

 private:
  struct level {
    protocol::node value;
    std::string key;
    protocol::position key_where;
    bool has_key = false;
    bool merging = false;                                      ///< the key is `<<`
    std::vector<protocol::node> merges;                        ///< the values of `<<`
    std::unordered_map<std::string, protocol::position> seen;  ///< a map's keys so far
  };

  const protocol::node& place(protocol::node value);
  const protocol::node& place_in_map(level& map, protocol::node value);
  void account(const protocol::node& value, std::size_t depth);
  void apply_merges(level& map);
  [[nodiscard]] std::string path() const;

  protocol::diagnostics& out_;
  std::vector<level> open_;
  protocol::node root_;
  protocol::node dropped_;  ///< the value of a duplicate key
  std::size_t used_ = 0;    ///< bytes of the tree so far
};

}  // namespace duplexd::config
