#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/module/nats/nats_connection.hpp"
#include "daemon/module/nats/nats_inbox.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// Receives commands from a NATS server. It keeps nothing for those that are not there: who must know asks
/// (request and reply), and asks again with the same id.
class nats_receiver final : public broker_receiver {
 public:
  /// `references` outlives this.
  nats_receiver(const config::output_settings& settings, reference_reader& references);
  ~nats_receiver() override { close(); }

  [[nodiscard]] received receive() override;
  void wake() noexcept override;
  void acknowledge() override {}
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override;
  void rest() noexcept override {}

 private:
  void close() noexcept;
  [[nodiscard]] std::string open();

  config::output_settings settings_;
  reference_reader& references_;
  nats_connection link_;
  std::mutex mutex_;  ///< of the pointer
  std::shared_ptr<nats_inbox> inbox_ = std::make_shared<nats_inbox>();
  std::uint64_t lost_ = 0;  ///< of this connection, told
};

}  // namespace duplexd
