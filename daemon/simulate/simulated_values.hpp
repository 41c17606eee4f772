#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/message_type.hpp"

namespace duplexd::net {

/// Sets the value under a path with dots, making objects, and lists of up to 1,000 elements, on the way.
void set_at(nlohmann::ordered_json& target, std::string_view path, const nlohmann::ordered_json& value);

/// Values of a reply about which nothing else is said: its examples, or made up. What may be anything is a
/// number then: it can be counted with, slept for, and be part of a text.
[[nodiscard]] std::vector<nlohmann::ordered_json> starting_values(const protocol::message_type& type);

/// Makes the value at `path` one that meets a condition of `where` or `check`, unless it does already.
void meet(nlohmann::ordered_json& values, const std::string& path, const nlohmann::ordered_json& wanted);

/// Completes `wanted` from `found`: each null of it is what a reference gives.
void fill_from(nlohmann::ordered_json& wanted, const nlohmann::ordered_json& found);

/// Whether `found` equals `wanted` in JSON's sense: the order of keys does not matter. With `null_is_any` a
/// null in `wanted` stands for any value.
[[nodiscard]] bool equal_json(const nlohmann::ordered_json& found, const nlohmann::ordered_json& wanted,
                              bool null_is_any);

}  // namespace duplexd::net
