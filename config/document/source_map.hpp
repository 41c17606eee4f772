#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// Knows which part of the file a place belongs to: a mistake that a session took over from elsewhere is
/// reported where it stands, and says which session it came up in.
class source_map {
 public:
  explicit source_map(const protocol::node& document);

  /// Adds the session to the hints of the diagnostics from `first` on that do not stand in the session
  /// itself.
  void add_hints(protocol::diagnostics& all, std::size_t first, const protocol::node_entry& session) const;

 private:
  using place = std::pair<std::uint32_t, std::uint32_t>;

  [[nodiscard]] std::string part_of(protocol::position where) const;

  std::map<place, std::string> starts_;  ///< where each part starts, and its path
};

}  // namespace duplexd::config
