#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/codec/program.hpp"

namespace duplexd::protocol {

/// Appends the packet that `layout` makes of `values` to `out`, without framing. On an error `out` is as
/// before.
[[nodiscard]] std::optional<codec_error> pack_layout(const program& layout,
                                                     const nlohmann::ordered_json& values,
                                                     std::vector<std::uint8_t>& out);

}  // namespace duplexd::protocol
