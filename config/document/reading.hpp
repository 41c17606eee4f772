#pragma once

#include <cstddef>
#include <string>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// What everybody who reads a part of the document shares: where mistakes go, and how references are looked
/// at.
struct reading {
  protocol::diagnostics& mistakes;
  protocol::diagnostics& warnings;  ///< legal, but hardly meant
  std::string directory;            ///< relative paths start here
  bool secrets_absent = false;      ///< references are not looked up
};

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
