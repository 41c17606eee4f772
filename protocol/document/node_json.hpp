#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/document/node.hpp"

namespace duplexd::protocol {

using json_pointer = nlohmann::ordered_json::json_pointer;

/// What a text of the document stands for; the second argument says where in the JSON value it is.
using text_reader = std::function<nlohmann::ordered_json(const std::string&, const json_pointer&)>;

/// The JSON value that a node stands for; keys keep their order, and integers of up to 64 bits stay exact.
/// A number that JSON cannot hold remains a text, and the first one is reported in `error`. Without
/// `read_text` a text stands for itself.
[[nodiscard]] nlohmann::ordered_json to_json(const node& source, const text_reader& read_text = {},
                                             std::string* error = nullptr);

/// An integer's value, 0x… and a sign included; nothing if 64 bits with a sign cannot hold it.
[[nodiscard]] std::optional<std::int64_t> to_integer(std::string_view text) noexcept;

/// A number's value; nothing if it is infinite or not a number.
[[nodiscard]] std::optional<double> to_number(std::string_view text) noexcept;

/// true for true, True and TRUE.
[[nodiscard]] bool to_boolean(std::string_view text) noexcept;

/// Equality of JSON values where keys may stand in any order, and 420 equals 420.0.
[[nodiscard]] bool same_json(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

}  // namespace duplexd::protocol
