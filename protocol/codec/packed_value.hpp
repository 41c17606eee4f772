#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/text/frame.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd::protocol {

/// What one value may be packed as: RFC 8949, and the specification of MessagePack.
enum class packed_format : std::uint8_t { cbor, msgpack };

/// Appends the one value that `bytes` are as JSON text without white space; at most `depth` levels of lists
/// and maps. What JSON has no word for is a map with one key (docs/layouts.md): `$bytes`, `$ext`, `$float`,
/// `$int`,
/// `$undefined`, and `$map`, a list of keys and values, for a map whose keys are not different texts or that
/// looks like one of these. On a fault `json` is as before.
[[nodiscard]] std::optional<json_fault> read_packed(bytes_view bytes, packed_format format, std::size_t depth,
                                                    std::string& json);

/// Packs such a value; returns what is wrong with it, or an empty text.
[[nodiscard]] std::string write_packed(const nlohmann::ordered_json& value, packed_format format,
                                       std::string& bytes);

}  // namespace duplexd::protocol
