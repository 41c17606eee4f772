#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/message/protocol.hpp"

namespace duplexd::cli {

/// One message to unpack.
struct message {
  protocol::frame_kind kind = protocol::frame_kind::binary;
  protocol::direction way = protocol::direction::reply;
  std::vector<std::uint8_t> bytes;
  std::string head;  ///< what stands before its values: when it was, and whose
  std::string line;  ///< if not empty: printed instead of an error when no layout fits
};

/// A packet as a line of JSON: its name and values, or why it cannot be unpacked and its bytes.
struct packet_line {
  std::string text;
  bool is_unpacked = true;
};
/// `head`: what stands before its values, such as `"time":"…",`.
[[nodiscard]] packet_line line_of(const protocol::packet& found, protocol::direction way,
                                  const std::string& head);

/// Prints the packets of one session's messages to stdout: a line of JSON for each, or a table of its bytes.
class message_printer {
 public:
  message_printer(std::shared_ptr<const protocol::protocol> types, bool explain);

  /// Packets do not go on from one link to the next.
  void begin_link();

  void print(const message& from);

  /// Whether a packet could not be unpacked.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  void print_table(const protocol::packet& found, const message& from);

  std::shared_ptr<const protocol::protocol> types_;
  std::unique_ptr<protocol::packet_reader> commands_;
  std::unique_ptr<protocol::packet_reader> replies_;
  bool explain_;
  bool failed_ = false;
};

/// Prints a capture, each message with its session's layouts. What is not a message is printed as it is, so
/// that the output tells the whole story; so is what we sent without a layout, such as a JSON login.
class capture_printer {
 public:
  using codecs = std::map<std::string, std::shared_ptr<const protocol::protocol>>;

  /// `types` under an empty name are for all sessions. `session`, if not empty: the others are left out.
  capture_printer(const codecs& types, std::string session, bool explain);

  /// Whether this is a capture's line and no event's or other message's.
  [[nodiscard]] static bool is_capture_line(const std::string& line);

  void print(const std::string& line);

  /// Where a message goes that does not say whose it is; null if there are several sessions.
  [[nodiscard]] message_printer* only();

  [[nodiscard]] bool failed() const;

 private:
  [[nodiscard]] message_printer* find(const std::string& session);
  void complain(const std::string& why, const std::string& line);

  std::map<std::string, message_printer> printers_;
  std::string session_;
  bool explain_;
  bool failed_ = false;
};

}  // namespace duplexd::cli
