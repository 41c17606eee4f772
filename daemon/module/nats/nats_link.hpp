#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/output_settings.hpp"
#include "config/value/path_pattern.hpp"
#include "daemon/module/nats/nats_connection.hpp"
#include "daemon/output/broker_link.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// Where an output's server is, with its references read now. None: `error` says why.
[[nodiscard]] std::optional<nats_target> nats_target_of(const config::output_settings& settings,
                                                        reference_reader& references, std::string& error);

/// Publishes to a NATS server. The answer is JetStream's acknowledgement, or without JetStream that the
/// server has what it was sent.
class nats_link final : public broker_link {
 public:
  /// `references` outlives this.
  nats_link(const config::output_settings& settings, reference_reader& references);

  [[nodiscard]] bool is_open() override { return link_.is_open(); }
  [[nodiscard]] std::string open() override;
  void close() noexcept override { link_.close(); }
  [[nodiscard]] sent publish(const message& what) override;
  [[nodiscard]] answers wait(deadline until) override;

 private:
  config::output_settings settings_;
  std::optional<config::path_pattern> subject_;
  reference_reader& references_;
  nats_connection link_;
  std::uint64_t next_ = 0;     ///< the key of the next message
  std::uint64_t flushed_ = 0;  ///< without JetStream: the server has all before this key
};

}  // namespace duplexd
