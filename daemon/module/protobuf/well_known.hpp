#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/module/protobuf/proto_options.hpp"

namespace duplexd {

// Messages whose JSON form is one text: Timestamp, Duration, FieldMask.

/// Whether `kind` is one of them.
[[nodiscard]] constexpr bool is_text(well_known kind) noexcept {
  return kind == well_known::timestamp || kind == well_known::duration || kind == well_known::field_mask;
}

/// The text; false, and what is wrong with the message in its place, if it has none.
[[nodiscard]] bool text_of(const google::protobuf::Message& message, well_known kind, std::string& text);

/// The inverse. Returns what is wrong with the text; empty: nothing.
[[nodiscard]] std::string set_text(google::protobuf::Message& message, well_known kind,
                                   const std::string& text);

}  // namespace duplexd
