#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/event/event_line.hpp"
#include "protocol/message/protocol.hpp"

namespace bench {

/// The daemon's way from a message to a line in the output's buffer and from a command to its bytes, without
/// the loop and the link, for one session of pipeline.yaml.
class pipeline {
 public:
  explicit pipeline(const std::string& session);

  /// Unpacks every packet of `message` into a line. Throws if one does not fit.
  void receive(const std::vector<std::uint8_t>& message);

  /// Packs `to_free` with an opcode.
  void send(std::int32_t opcode);

  /// What has been written since the last call; its room is kept.
  std::size_t take_output();

 private:
  duplexd::config::session_settings settings_;
  duplexd::protocol::packet_reader packets_;
  duplexd::event_line line_;
  std::string output_;
  std::vector<std::uint8_t> sent_;
  nlohmann::ordered_json values_;
  const duplexd::protocol::message_type* command_;
};

/// `struct.pack('=i', 2)`.
std::vector<std::uint8_t> reply_message();

/// One full tick of 184 bytes.
std::vector<std::uint8_t> tick_message();

}  // namespace bench
