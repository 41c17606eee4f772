#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "config/value/path_pattern.hpp"
#include "daemon/module/mqtt/mqtt_connection.hpp"
#include "daemon/output/broker_link.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// Where an output's broker is, with its references read now. None: `error` says why.
[[nodiscard]] std::optional<mqtt_target> mqtt_target_of(const config::output_settings& settings,
                                                        reference_reader& references, std::string& error);

/// What means something in a topic: levels, wildcards, and U+0000, which it cannot hold.
inline constexpr std::string_view mqtt_special{"/+#\0", 4};

/// Publishes to an MQTT broker; with quality of service 1 its PUBACK is the answer.
class mqtt_link final : public broker_link {
 public:
  /// `references` outlives this.
  mqtt_link(const config::output_settings& settings, reference_reader& references);

  [[nodiscard]] bool is_open() override;
  [[nodiscard]] std::string open() override;
  void close() noexcept override { link_.close(); }
  [[nodiscard]] sent publish(const message& what) override;
  [[nodiscard]] answers wait(deadline until) override;

 private:
  [[nodiscard]] std::string told_reason(const std::string& failed);
  [[nodiscard]] answers take_answers();

  config::output_settings settings_;
  std::optional<config::path_pattern> topic_;
  reference_reader& references_;
  mqtt_connection link_;
};

}  // namespace duplexd
