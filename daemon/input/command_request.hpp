#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace duplexd {

/// Bytes of a command's id.
inline constexpr std::size_t longest_command_id = 200;

/// A command from outside, as a line of JSON says it (docs/commands.md):
///     {"session": "s", "command": "buy", "with": {"n": 1}, "id": "a7"}
struct command_request {
  std::string session{};  ///< empty: the only one
  std::string command{};
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  std::string id{};          ///< empty: none was given
  bool comes_again = false;  ///< see command_origin
};

/// Reads a request. False: `error` says what is wrong; what could be read is in `out`. Pure.
[[nodiscard]] bool read_command_request(std::string_view line, command_request& out, std::string& error);

}  // namespace duplexd
