#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace duplexd::config {

/// Whether `data` holds what `where` asks for. Null asks for nothing; a map asks for values at paths
/// (`find_path`). A value is equal, or it is a map of conditions that all hold:
/// `$any` (one of a list), `$not` (no such condition or value), `$min` and `$max` (numbers, inclusive),
/// `$exists` (true or false), `$starts` (a text's beginning). Numbers are equal by value. Pure.
[[nodiscard]] bool matches(const nlohmann::ordered_json& data, const nlohmann::ordered_json& where);

/// The first thing in `data` that is not as `where` asks, for people: "its id was 7, not 8"; empty if all is.
[[nodiscard]] std::string mismatch(const nlohmann::ordered_json& data, const nlohmann::ordered_json& where);

/// What is wrong with the conditions of a `where`; empty: nothing.
[[nodiscard]] std::string condition_mistake(const nlohmann::ordered_json& where);

}  // namespace duplexd::config
