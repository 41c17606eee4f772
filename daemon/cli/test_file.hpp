#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/document/diagnostic.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::cli {

/// A message as a test file has it.
struct test_message {
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::vector<std::uint8_t> bytes;
};

/// Messages of the server, and what `decode` makes of them.
struct receive_case {
  std::vector<test_message> messages;
  nlohmann::ordered_json events;  ///< a list
};

/// A command, and its bytes.
struct send_case {
  std::string command;
  nlohmann::ordered_json values;
  test_message packed;
};

/// A recording, and what `decode` makes of the server's messages in it.
struct capture_case {
  std::string file;  ///< relative to the test file
  nlohmann::ordered_json events;
};

struct test_case {
  std::string name;
  protocol::position where;
  std::string session;  ///< empty: the only one
  std::variant<receive_case, send_case, capture_case> what;
};

/// What `duplexd test` runs, docs/testing.md.
struct test_file {
  std::string config;  ///< relative to the test file
  std::vector<test_case> cases;
};

/// Reads the text of a test file, YAML. All mistakes go to `out`; the result is empty if there are any.
[[nodiscard]] std::optional<test_file> read_test_file(std::string_view text, protocol::diagnostics& out);

}  // namespace duplexd::cli
