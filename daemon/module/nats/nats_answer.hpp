#pragma once

#include <cstdint>
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

/// Reads an acknowledgement: JSON with a stream, or with an error.
[[nodiscard]] nats_answer answer_of(std::string_view acknowledgement);

}  // namespace duplexd
