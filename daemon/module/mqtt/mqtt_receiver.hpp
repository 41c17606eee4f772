#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

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
  /// Answers that are on their way, and their bytes.
  static constexpr std::uint16_t most_unanswered = 1'000;
  static constexpr std::size_t most_unanswered_bytes = std::size_t{4} << 20;

  /// `references` outlives this.
  mqtt_receiver(const config::output_settings& settings, reference_reader& references);
  ~mqtt_receiver() override;

  [[nodiscard]] received receive() override;
  void wake() noexcept override;
  /// The library acknowledges all that it has delivered: if one is not accepted the connection is closed, and
  /// all are delivered again.
  bool acknowledge(const std::vector<bool>& accepted) override;
  /// Over a connection of its own: the other one would acknowledge what it has received with it.
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override;
  [[nodiscard]] std::string flush() override;
  void stop() override { link_.close(); }
  void rest() noexcept override;

 private:
  struct sent_answer {
    std::string to;
    std::string correlation;
    std::string text;
    [[nodiscard]] std::size_t size() const noexcept { return to.size() + correlation.size() + text.size(); }
  };
  using answers = std::map<std::uint64_t, sent_answer>;  ///< by the key that their acknowledgement names
  /// A packet identifier and a hash of what it came with.
  using delivery = std::pair<int, std::size_t>;

  [[nodiscard]] mqtt_connection::deadline limit() const {
    return std::chrono::steady_clock::now() + settings_.timeout;
  }
  /// These return why there is no connection.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::string open_answers();
  [[nodiscard]] std::optional<mqtt_target> target_for(const char* suffix, std::string& error);
  [[nodiscard]] std::string subscribe();
  [[nodiscard]] std::string write();
  std::size_t take_messages(received& into);
  void note_answered();
  void note_answer(std::uint64_t key, sent_answer what);
  void publish_again();
  [[nodiscard]] std::string wait_answered();

  config::output_settings settings_;
  reference_reader& references_;
  mqtt_connection link_;
  bool is_subscribed_ = false;  ///< on this connection
  int wakes_;                   ///< readable after `wake`
  std::chrono::steady_clock::time_point served_{};
  std::vector<delivery> given_;    ///< not acknowledged
  std::set<delivery> taken_;       ///< accepted, but not acknowledged: they are delivered again
  std::vector<delivery> skipped_;  ///< of these, what has come again
  std::string failed_;             ///< why there is no connection any more; told by the next `receive`
  mqtt_connection answers_link_;
  answers unanswered_;  ///< that the broker has not acknowledged
  std::size_t unanswered_bytes_ = 0;
  std::chrono::steady_clock::time_point answered_{};
};

}  // namespace duplexd
