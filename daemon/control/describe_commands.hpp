#pragma once

#include <nlohmann/json.hpp>

#include "protocol/message/protocol.hpp"

namespace duplexd {

/// The commands of a protocol with the fields that they take, for whoever makes a form of them: a list of
/// objects as the schema `CommandType` has it. Made again at each call.
[[nodiscard]] nlohmann::ordered_json describe_commands(const protocol::protocol& types);

}  // namespace duplexd
