#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// What of a record goes to a peer.
using record_text = std::function<std::string(const record_batch::record&)>;

[[nodiscard]] inline std::string text_as_it_is(const record_batch::record& record) {
  return std::string(record.text);
}

/// The record's text as a message, which is not a line.
[[nodiscard]] inline std::string_view without_newline(std::string_view line) {
  return line.ends_with('\n') ? line.substr(0, line.size() - 1) : line;
}

/// "reply", "raw", or the name of a note: "gap".
[[nodiscard]] inline std::string_view event_word(const record_batch::record& record) {
  switch (record.what) {
    case session_event::kind::reply:
      return "reply";
    case session_event::kind::raw:
      return "raw";
    case session_event::kind::note:
      break;
  }
  return record.name;
}

}  // namespace duplexd
