#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/document/node.hpp"

namespace duplexd::config {

/// What a protocol is made from, apart by what a change of it means for a connection. Equal texts say that
/// nothing has changed.
struct protocol_parts {
  std::string fixed{};                   ///< what messages were sent by, and are cut by
  std::optional<std::string> replies{};  ///< what only unpacks; absent: it is part of `fixed`
  std::vector<std::string> names{};      ///< of the replies
};

/// Pure. The definition may have mistakes. Replies stand alone unless the protocol knows something of one
/// message when the next one comes: bytes of a stream, or which reply was the last (`when: {after: …}`). A
/// layout in `layouts` belongs to them if no command may use it: none of its texts, and of the layouts that
/// these name, has that word.
[[nodiscard]] protocol_parts parts_of(const protocol::node& definition);

}  // namespace duplexd::config
