#pragma once

#include <chrono>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/link/transport.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// The version of the capture's lines, docs/captures.md.
inline constexpr int capture_version = 1;

enum class capture_event : std::uint8_t {
  opened,   ///< a link is open
  message,  ///< one message went over it
  close,    ///< a close frame did
  ended,    ///< the link is gone
};

/// As the client sees it.
enum class capture_way : std::uint8_t { in, out };

/// One line of a capture. Holds no secrets: they are gone before it is made.
struct capture_entry {
  std::chrono::system_clock::time_point time{};
  std::string session{};
  capture_event event = capture_event::message;
  capture_way way = capture_way::in;  ///< of a message or a close frame
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::optional<std::string> bytes{};  ///< of a message; none: left out
  std::size_t size = 0;                ///< of a message, before anything was left out
  bool redacted = false;               ///< of a message: `***` stands for a secret, or `bytes` is none
  close_reason reason{};               ///< of a close frame
  std::string fault{};                 ///< of an end: the class of what broke the link; empty: nothing did
  std::string cause{};                 ///< in words
};

/// Appends the entry as a line, newline included.
void append_capture_line(std::string& out, const capture_entry& entry);

/// The entry of a line; nothing, and `why`, if it is none.
[[nodiscard]] std::optional<capture_entry> parse_capture_line(std::string_view line, std::string& why);

/// All entries of a capture, in order; nothing, and `why` with the line's number, if a line is none. Empty
/// lines count for nothing.
[[nodiscard]] std::optional<std::vector<capture_entry>> read_capture(std::istream& from, std::string& why);

}  // namespace duplexd
