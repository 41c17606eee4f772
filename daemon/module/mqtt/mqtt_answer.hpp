#pragma once

#include <cstdint>
#include <string>

namespace duplexd {

/// What an acknowledgement's reason code (MQTT 5, 3.4.2.1) means for the message.
enum class mqtt_answer : std::uint8_t {
  taken,
  refused,   ///< it would be, each time: the message is to blame
  not_taken  ///< it may be taken another time
};
[[nodiscard]] mqtt_answer answer_of(int reason) noexcept;

/// "the broker says: not authorized (135)".
[[nodiscard]] std::string reason_text(int reason);

}  // namespace duplexd
