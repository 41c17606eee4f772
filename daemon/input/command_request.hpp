#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace duplexd {

/// A command from outside, as a line of JSON says it (docs/commands.md):
///     {"session": "s", "command": "buy", "with": {"n": 1}, "id": "a7"}
struct command_request {
  std::string session{};  ///< empty: the only one
  std::string command{};
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  std::string id{};  ///< empty: none was given
};

/// Reads a request. False: `error` says what is wrong; what could be read is in `out`. Pure.
[[nodiscard]] bool read_command_request(std::string_view line, command_request& out, std::string& error);

}  // namespace duplexd
