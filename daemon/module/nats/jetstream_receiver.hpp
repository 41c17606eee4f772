#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/module/nats/jetstream_consumer.hpp"
#include "daemon/module/nats/nats_reception.hpp"
#include "daemon/output/broker_receiver.hpp"

namespace duplexd {

/// Receives commands from a stream of JetStream, by a durable pull consumer. A message is acknowledged when
/// it has been accepted here. What is asked for has come before anything is given: while messages wait to be
/// accepted none of them can be delivered again.
class jetstream_receiver final : public broker_receiver {
 public:
  /// `references` outlives this.
  jetstream_receiver(const config::output_settings& settings, reference_reader& references)
      : line_(settings, references) {}

  [[nodiscard]] received receive() override;
  void wake() noexcept override { line_.wake(); }
  /// Of those that are not accepted the server hears that they are being worked on.
  bool acknowledge(const std::vector<bool>& accepted) override;
  [[nodiscard]] std::string answer(const std::string& to, const std::string& /*correlation*/,
                                   std::string_view text) override {
    return line_.answer(to, text, [this](const auto& into) { return listen(into); });
  }
  /// What has come and is not accepted is delivered again at once.
  void stop() override;
  void rest() noexcept override {}

  /// How long a request for messages that wait already may take.
  static constexpr std::chrono::milliseconds batch_wait{100};

 private:
  using time_point = std::chrono::steady_clock::time_point;
  /// All of these return why they failed.
  [[nodiscard]] std::string listen(const std::shared_ptr<nats_inbox>& into);
  [[nodiscard]] std::string read_what_is_delivered();
  [[nodiscard]] std::string ask(std::size_t messages, std::size_t bytes, std::chrono::milliseconds wait);
  [[nodiscard]] std::string take(std::chrono::milliseconds limit, received& into);
  [[nodiscard]] std::string take_batch(received& into);
  [[nodiscard]] std::string send_acknowledgements();
  void tell_of_given(std::string_view what);

  nats_reception line_;
  jetstream_consumer consumer_;
  std::size_t asked_ = 0;              ///< messages that may come for the last request
  bool asked_for_one_ = true;          ///< it was for one message
  time_point until_{};                 ///< it has ended by then
  std::size_t pending_ = 0;            ///< messages that wait behind the last one
  std::vector<std::string> given_;     ///< of messages that are not accepted: where their acknowledgements go
  std::vector<std::string> accepted_;  ///< likewise, of those that are, until the server has them
};

}  // namespace duplexd
