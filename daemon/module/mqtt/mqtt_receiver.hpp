#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/module/mqtt/mqtt_connection.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// Receives commands from an MQTT broker with quality of service 1. The PUBACK of a message leaves when it
/// has been accepted here.
class mqtt_receiver final : public broker_receiver {
 public:
  /// How long a broker keeps what comes for an output with a `client_id` while there is no connection.
  static constexpr std::chrono::hours kept{24};
  /// Answers that are on their way.
  static constexpr std::uint16_t most_unanswered = 1'000;

  /// `references` outlives this.
  mqtt_receiver(const config::output_settings& settings, reference_reader& references);
  ~mqtt_receiver() override;

  [[nodiscard]] received receive() override;
  void wake() noexcept override;
  void acknowledge() override;
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override;
  /// Answers are then published over another connection: this one would acknowledge what it received with
  /// them.
  void stop() override;
  void rest() noexcept override;

 private:
  struct sent_answer {
    std::string to;
    std::string correlation;
    std::string text;
  };
  using answers = std::map<std::uint64_t, sent_answer>;  ///< by the key that their acknowledgement names
  /// Returns why there is no connection.
  [[nodiscard]] std::string open();
  [[nodiscard]] mqtt_connection::deadline limit() const {
    return std::chrono::steady_clock::now() + settings_.timeout;
  }
  void fail(std::string why);
  void note_answered();
  void publish_again(answers what);
  [[nodiscard]] std::string wait_answered(std::uint64_t key, mqtt_connection::deadline until);

  config::output_settings settings_;
  reference_reader& references_;
  mqtt_connection link_;
  int wakes_;  ///< readable after `wake`
  std::chrono::steady_clock::time_point served_{};
  answers unanswered_;  ///< that the broker has not acknowledged
  bool stopped_ = false;
  std::string failed_;  ///< why there is no connection any more; told by the next `receive`
};

}  // namespace duplexd
