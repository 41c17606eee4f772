#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// What everybody who reads a part of the document shares: where mistakes go, and how references are looked
/// at.
struct reading {
  protocol::diagnostics& mistakes;
  protocol::diagnostics& warnings;  ///< legal, but hardly meant
  protocol::diagnostics& missing;  ///< mistakes too: references without a value now, in fields that are right
  std::string directory;           ///< relative paths start here
  bool secrets_absent = false;     ///< references are not looked up
  /// Of a document of several files their names, as `position::file` counts them; else empty.
  const std::vector<std::string>& files = single_file;

  static const std::vector<std::string> single_file;

  /// "LINE:COLUMN", after the name of the file if there are several.
  [[nodiscard]] std::string text_of(protocol::position where) const {
    const std::string place = std::to_string(where.line) + ":" + std::to_string(where.column);
    return where.file < files.size() ? files[where.file] + ":" + place : place;
  }
};

inline const std::vector<std::string> reading::single_file{};

/// One value of the document on its way to being read: the node and its path, for messages.
struct value_at {
  const protocol::node& value;
  std::string path;

  [[nodiscard]] value_at entry(const protocol::node_entry& child) const {
    return {child.value, path.empty() ? child.key : path + "." + child.key};
  }
  [[nodiscard]] value_at item(std::size_t index) const {
    return {value.items[index], path + "[" + std::to_string(index) + "]"};
  }

  void complain(reading& in, std::string message, std::string hint = "") const {
    in.mistakes.push_back({value.where, path, std::move(message), std::move(hint)});
  }
};

}  // namespace duplexd::config
