#include "daemon/module/mqtt/mqtt_answer.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

namespace duplexd {

mqtt_answer answer_of(int reason) noexcept {
  constexpr int first_failure = 0x80;
  if (reason < first_failure) return mqtt_answer::taken;
  const bool is_refusal = reason == MQTT_RC_TOPIC_NAME_INVALID || reason == MQTT_RC_PACKET_TOO_LARGE ||
                          reason == MQTT_RC_PAYLOAD_FORMAT_INVALID;
  return is_refusal ? mqtt_answer::refused : mqtt_answer::not_taken;
}

std::string reason_text(int reason) {
  std::string words = mosquitto_reason_string(reason);
  if (words.ends_with('.')) words.pop_back();
  return fmt::format("the broker says: {} ({})", words, reason);
}

}  // namespace duplexd
