#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/text/frame.hpp"

namespace duplexd {

/// One event of a session, as outputs get it. All views are valid during the call only.
struct session_event {
  enum class kind : std::uint8_t { reply, raw, note };
  kind what = kind::note;
  std::string_view session{};
  std::string_view time{};       ///< RFC 3339, UTC
  std::string_view name{};       ///< the reply's, if it is known; a note's: "gap"
  std::string_view line{};       ///< the whole event as JSON (docs/events.md), newline included
  std::string_view data{};       ///< a reply's values as compact JSON; else empty
  protocol::frame_view frame{};  ///< the packet's bytes; a note has none
};

}  // namespace duplexd
