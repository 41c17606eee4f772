#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "config/document/reading.hpp"
#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// Knows which part of the file a place belongs to: a mistake that a session took over from elsewhere is
/// reported where it stands, and says which session it came up in.
class source_map {
 public:
  /// `in` must outlive this.
  source_map(const protocol::node& document, const reading& in);

  /// Adds the session to the hints of the diagnostics from `first` on that do not stand in the session
  /// itself.
  void add_hints(protocol::diagnostics& all, std::size_t first, const protocol::node_entry& session) const;

 private:
  [[nodiscard]] std::string part_of(protocol::position where) const;

  const reading& in_;
  std::map<protocol::position, std::string> starts_;  ///< where each part starts, and its path
};

}  // namespace duplexd::config
