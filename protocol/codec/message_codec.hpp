#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// Bytes within a layout that another notation describes. Immutable while messages are packed and unpacked.
class message_codec {
 public:
  virtual ~message_codec() = default;

  /// Appends the values, a map, as JSON text without white space. On an error false, `json` is as before and
  /// `error` says where: an offset into `bytes`.
  [[nodiscard]] virtual bool unpack(bytes_view bytes, std::string& json, codec_error& error) const = 0;

  /// Appends the bytes of `values` (a map; null counts as empty). On an error `out` is as before.
  [[nodiscard]] virtual std::optional<codec_error> pack(const nlohmann::ordered_json& values,
                                                        std::vector<std::uint8_t>& out) const = 0;
};

using embedded_message = std::shared_ptr<const message_codec>;

}  // namespace duplexd::protocol
