#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "config/settings/output_settings.hpp"
#include "config/value/path_pattern.hpp"
#include "daemon/module/mqtt/mqtt_connection.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/output_module.hpp"
#include "daemon/output/send_window.hpp"

namespace duplexd {

/// Publishes events to an MQTT broker (docs/outputs.md). An event is written when the broker has acknowledged
/// it.
class mqtt_writer final : public event_writer {
 public:
  /// `host` outlives this.
  mqtt_writer(const config::output_settings& settings, module_host& host);

  [[nodiscard]] progress write(const record_batch& records) override;

 private:
  /// Each says whether that worked; if not `failed_` says why.
  [[nodiscard]] bool open();
  [[nodiscard]] bool resolve(const config::text_template& text, std::string& into);
  [[nodiscard]] bool publish(const record_batch& records, progress& made);
  [[nodiscard]] bool settle(const record_batch& records, progress& made);
  [[nodiscard]] bool take(const record_batch::record& sent, std::string refusal, progress& made);
  /// Pings the broker while nothing is written.
  void keep_alive(const std::stop_token& stop);

  config::output_settings settings_;
  std::optional<config::path_pattern> topic_;
  module_host& host_;
  std::mutex mutex_;  ///< of all that follows
  mqtt_connection link_;
  send_window window_;
  std::string failed_;
  std::condition_variable_any wake_;
  std::jthread keeper_;  ///< ends first
};

}  // namespace duplexd
