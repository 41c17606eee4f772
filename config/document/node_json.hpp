#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/document/node.hpp"

namespace duplexd::config {

using json_pointer = nlohmann::ordered_json::json_pointer;

/// What a text of the document stands for; the second argument says where in the JSON value it is.
using text_reader = std::function<nlohmann::ordered_json(const std::string&, const json_pointer&)>;

/// The JSON value that a node stands for. The first number that JSON cannot hold is put into `error`.
[[nodiscard]] nlohmann::ordered_json to_json(const protocol::node& source, const text_reader& read_text,
                                             std::string* error);

/// An integer's value, 0x… included; false if it does not fit.
[[nodiscard]] bool to_integer(const std::string& text, std::int64_t& out) noexcept;

/// A number's value; false if it is infinite or not a number.
[[nodiscard]] bool to_number(const std::string& text, double& out) noexcept;

/// true for true, True and TRUE.
[[nodiscard]] bool to_boolean(const std::string& text) noexcept;

}  // namespace duplexd::config
