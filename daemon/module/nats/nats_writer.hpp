#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/output_settings.hpp"
#include "config/value/path_pattern.hpp"
#include "daemon/module/nats/nats_connection.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/output_module.hpp"
#include "daemon/output/send_window.hpp"

namespace duplexd {

/// Publishes events to a NATS server (docs/outputs.md). An event is written when JetStream has acknowledged
/// it, or without JetStream when the server has it.
class nats_writer final : public event_writer {
 public:
  /// `host` outlives this.
  nats_writer(const config::output_settings& settings, module_host& host);

  [[nodiscard]] progress write(const record_batch& records) override;

 private:
  /// Each says whether that worked; if not `failed_` says why.
  [[nodiscard]] bool open();
  [[nodiscard]] bool resolve(const config::text_template& text, std::string& into);
  [[nodiscard]] bool publish(const record_batch& records, const progress& made);
  [[nodiscard]] bool wait(nats_connection::deadline until);
  [[nodiscard]] bool settle(const record_batch& records, progress& made);

  config::output_settings settings_;
  std::optional<config::path_pattern> subject_;
  module_host& host_;
  nats_connection link_;
  send_window window_;
  std::uint64_t next_ = 0;  ///< the key of the next message
  std::string failed_;
};

}  // namespace duplexd
