#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::protocol {

/// The tree of a JSON text that was checked (copy_json, check_json). An integer beyond 64 bits and a number
/// beyond the range of a double are texts of their digits in it: nothing is rounded that was written exactly,
/// and no number makes the rest unreadable.
[[nodiscard]] nlohmann::ordered_json json_tree(std::string_view checked);

/// The double next to a number that json_tree makes a text of, from that text; infinite beyond their range.
/// Nothing if the text is no such number.
[[nodiscard]] std::optional<double> large_number(std::string_view text);

/// What somebody is told who writes one where a number has to be packed.
inline constexpr const char* large_number_mistake =
    "a number is beyond 64 bits: put it in quotes if a text is meant";

/// A JSON text with those numbers in quotes; nothing if there are none.
[[nodiscard]] std::optional<std::string> quote_large_numbers(std::string_view text);

}  // namespace duplexd::protocol
