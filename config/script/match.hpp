#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace duplexd::config {

/// Whether `data` holds what `where` asks for. Null asks for nothing; a map asks for values at paths
/// (`find_path`), and for one of the maps in the list of `$or`. A value is equal, or it is a map of
/// conditions that all hold: `$any` (one of a list), `$not` (no such condition or value), `$min` and `$max`
/// (numbers, inclusive), `$exists` (true or false), `$starts` and `$ends` (a text's), `$contains` (a text's
/// part, or a list's element), `$match` (an RE2 pattern that is found in a text). Numbers are equal by value.
/// Takes time linear in the texts. Pure.
[[nodiscard]] bool matches(const nlohmann::ordered_json& data, const nlohmann::ordered_json& where);

/// The first thing in `data` that is not as `where` asks, for people: "its id was 7, not 8"; empty if all is.
[[nodiscard]] std::string mismatch(const nlohmann::ordered_json& data, const nlohmann::ordered_json& where);

/// Calls `visit` for each path that `where` asks for, and what it asks for there; those inside `$or` too.
void for_each_condition(
    const nlohmann::ordered_json& where,
    const std::function<void(const std::string& path, const nlohmann::ordered_json& wanted)>& visit);

/// What is wrong with the conditions of a `where`; empty: nothing.
[[nodiscard]] std::string condition_mistake(const nlohmann::ordered_json& where);

}  // namespace duplexd::config
