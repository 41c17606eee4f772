#pragma once

#include <chrono>
#include <cstddef>
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
  static constexpr std::size_t most_unanswered = 1'000;

  /// `references` outlives this.
  mqtt_receiver(const config::output_settings& settings, reference_reader& references);
  ~mqtt_receiver() override;

  [[nodiscard]] received receive() override;
  void wake() noexcept override;
  void acknowledge() override;
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override;
  void rest() noexcept override;

 private:
  /// Returns why there is no connection.
  [[nodiscard]] std::string open();
  [[nodiscard]] mqtt_connection::deadline limit() const {
    return std::chrono::steady_clock::now() + settings_.timeout;
  }
  void fail(std::string why);

  config::output_settings settings_;
  reference_reader& references_;
  mqtt_connection link_;
  int wakes_;  ///< readable after `wake`
  std::chrono::steady_clock::time_point served_{};
  std::size_t unanswered_ = 0;  ///< answers that the broker has not acknowledged
  std::string failed_;          ///< why there is no connection any more; told by the next `receive`
};

}  // namespace duplexd
