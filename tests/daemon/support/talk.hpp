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

/// Answers each `get` at once: got with the same id, and a value ten times as large.
void answer_gets(scripted_server& server, const message& what);

/// How the session ended: "-" if it has not, "" in order, else "CLASS: CAUSE", without the step's line.
[[nodiscard]] std::string end_of(const stage& play);

/// How many lines of the log hold that text.
[[nodiscard]] long logged(const stage& play, const std::string& part);

/// The values of a received message.
[[nodiscard]] nlohmann::ordered_json values_of(const message& what);

}  // namespace duplexd::test
