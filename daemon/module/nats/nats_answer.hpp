#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd {

/// What JetStream's answer to a message says.
struct nats_answer {
  enum class kind : std::uint8_t {
    taken,
    refused,   ///< it would be, each time: the message is to blame
    not_taken  ///< it may be taken another time
  };
  kind what = kind::taken;
  std::string why{};
};

/// An error that JetStream answers with.
struct jetstream_error {
  std::int64_t code = 0;  ///< 0: unknown
  std::string text{};
};
/// None: the answer is not an error.
[[nodiscard]] std::optional<jetstream_error> error_of(const nlohmann::json& answer);

/// Reads an acknowledgement: JSON with a stream, or with an error.
[[nodiscard]] nats_answer answer_of(std::string_view acknowledgement);

}  // namespace duplexd
