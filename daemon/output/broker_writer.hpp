#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/output/broker_link.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/output_module.hpp"
#include "daemon/output/send_window.hpp"

namespace duplexd {

/// Publishes events to a broker (docs/outputs.md). An event is written when the broker has said that it has
/// taken it, or has refused it for good.
class broker_writer final : public event_writer {
 public:
  struct manners {
    std::string name;                         ///< of the protocol, for errors
    std::chrono::milliseconds timeout;        ///< within which the broker must acknowledge something
    std::chrono::milliseconds idle_turns{0};  ///< how often an idle connection is looked after; 0: never
  };
  /// `host` outlives this.
  broker_writer(std::unique_ptr<broker_link> link, manners how, module_host& host);

  [[nodiscard]] progress write(const record_batch& records) override;

 private:
  /// Each returns why it failed; empty: it did not.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::string publish(const record_batch& records, const progress& made);
  [[nodiscard]] std::string settle(const record_batch& records, progress& made);
  [[nodiscard]] std::string wait(const record_batch& records, progress& made, broker_link::deadline until);
  void look_after(const std::stop_token& stop);

  manners how_;
  module_host& host_;
  std::mutex mutex_;  ///< of all that follows
  std::unique_ptr<broker_link> link_;
  send_window window_;
  std::condition_variable_any wake_;
  std::jthread keeper_;  ///< ends first
};

}  // namespace duplexd
