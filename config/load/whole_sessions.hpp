#pragma once

#include <string>
#include <vector>

#include "protocol/document/node.hpp"

namespace duplexd::config {

/// A session as it would stand alone.
struct whole_session {
  std::string name;
  protocol::node value;  ///< with everything that it takes over; `protocol` is a map
};

/// The sessions of a document that passes `check`, in its order. Pure.
[[nodiscard]] std::vector<whole_session> whole_sessions(const protocol::node& document);

}  // namespace duplexd::config
