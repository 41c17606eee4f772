#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/daemon/support/stage.hpp"

namespace duplexd::test {

/// A session that speaks JSON with `op` and `id`: commands get, put and pong; replies got, done, ping, tick
/// and challenge. `fields` are more fields of the session, indented by four blanks.
[[nodiscard]] std::string talk_yaml(const std::string& fields);

/// {"op": …, "id": …} and more, as a text message.
[[nodiscard]] message say(nlohmann::ordered_json what);

/// The `op`s and `id`s of what the server received: "get 1".
[[nodiscard]] std::vector<std::string> heard(const scripted_server& server);

/// The values of a received message.
[[nodiscard]] nlohmann::ordered_json values_of(const message& what);

}  // namespace duplexd::test
