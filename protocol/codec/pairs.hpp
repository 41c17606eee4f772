#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/codec/program.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd::protocol {

/// Appends the pairs in `text` as a JSON map of texts without white space; what has no `equals` is null.
/// Empty pairs are left out. Every pair is taken from `left`, which must suffice. On a fault `json` is as
/// before.
[[nodiscard]] std::optional<json_fault> read_pairs(std::string_view text, const pairs_rule& rule,
                                                   std::size_t& left, std::string& json);

/// Writes such a map, so that reading it gives the same; returns what is wrong with it, or an empty text.
[[nodiscard]] std::string write_pairs(const nlohmann::ordered_json& values, const pairs_rule& rule,
                                      std::size_t most, std::string& text);

}  // namespace duplexd::protocol
