#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/message/protocol.hpp"

namespace CLI {
class App;
}

namespace duplexd::cli {

/// Where `encode` and `decode` take their layouts from.
struct codec_source {
  std::string file;                   ///< a configuration
  std::string session;                ///< one of its sessions; empty: the only one
  std::string layout;                 ///< instead of a file: one layout line
  std::string byte_order = "native";  ///< with `layout`
};

void add_codec_source(CLI::App& command, codec_source& to);

/// Loads and compiles. Null after a mistake, which was printed to stderr, and `exit_code` says which kind.
[[nodiscard]] std::shared_ptr<const protocol::protocol> open_codec(const codec_source& from, int& exit_code);

/// The layouts of each session by its name, for input that says whose it is; of the one that was asked for,
/// if one was. With a layout from the command line: that, under an empty name. Empty after a mistake.
[[nodiscard]] std::map<std::string, std::shared_ptr<const protocol::protocol>> open_codecs(
    const codec_source& from, int& exit_code);

/// A message packed by its name.
struct packed_message {
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::vector<std::uint8_t> bytes{};
  std::string error{};      ///< why there are no bytes
  bool is_unknown = false;  ///< the error is that there is no such message
};

/// `values`: a map or a list; null counts as empty.
[[nodiscard]] packed_message pack_named(const protocol::protocol& types, protocol::direction way,
                                        const std::string& name, const nlohmann::ordered_json& values);

/// The name that a layout given on the command line has.
inline constexpr const char* lone_layout_name = "value";

}  // namespace duplexd::cli
