#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/codec/program.hpp"
#include "protocol/message/value_shape.hpp"

namespace duplexd::protocol {

/// A text within a message that is JSON, or shown as JSON, whose bytes have a layout: base64 of a packed
/// struct, for instance. What unpacking shows in its place is the value of that layout.
struct text_content {
  std::vector<std::string> path;  ///< keys, and indexes of lists; of a template's list the name of the slot
  program layout;                 ///< of a map with the one field `content_field`
};

/// The name of the field that a content's layout has.
inline constexpr const char* content_field = "value";

/// Replaces the texts in `json` (one JSON value, from `begin` on) by what is in them. Those that are null, or
/// not there, stay. On an error `json` is not complete.
[[nodiscard]] std::optional<codec_error> unpack_contents(const std::vector<text_content>& contents,
                                                         std::string& json, std::size_t begin);

/// Replaces the values by the texts that hold them. `slots` are the names of the places of `values` if this
/// is a list.
[[nodiscard]] std::optional<codec_error> pack_contents(const std::vector<text_content>& contents,
                                                       const std::vector<std::string>& slots,
                                                       nlohmann::ordered_json& values);

/// What the message shows where the texts are.
void add_contents(const std::vector<text_content>& contents, direction way, value_shape& shape);

}  // namespace duplexd::protocol
