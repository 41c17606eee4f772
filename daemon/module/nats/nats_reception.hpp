#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/module/nats/nats_connection.hpp"
#include "daemon/module/nats/nats_inbox.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// The connection that an output's commands come over, whatever they come from. All calls but `wake` come
/// from one thread at a time.
class nats_reception {
 public:
  /// `references` outlives this.
  nats_reception(const config::output_settings& settings, reference_reader& references);
  ~nats_reception() { close(); }
  nats_reception(const nats_reception&) = delete;
  nats_reception& operator=(const nats_reception&) = delete;

  /// Subscribes on a new connection. Returns why that failed.
  using listener = std::function<std::string(const std::shared_ptr<nats_inbox>& into)>;
  /// Returns why there is no connection; empty: there is one, and `listen` was called when it was made.
  [[nodiscard]] std::string open(const listener& listen);
  void close() noexcept;

  /// What has come; waits for it until `wake`, or for that time.
  [[nodiscard]] std::vector<nats_delivery> take(std::chrono::milliseconds limit) {
    return inbox_->take(limit);
  }
  /// From any thread.
  void wake() noexcept;
  /// Returns why it was not published.
  [[nodiscard]] std::string answer(const std::string& to, std::string_view text, const listener& listen);

  [[nodiscard]] nats_connection& link() noexcept { return link_; }
  [[nodiscard]] const config::output_settings& settings() const noexcept { return settings_; }

 private:
  config::output_settings settings_;
  reference_reader& references_;
  nats_connection link_;
  std::mutex mutex_;  ///< of the pointer
  std::shared_ptr<nats_inbox> inbox_ = std::make_shared<nats_inbox>();
};

}  // namespace duplexd
