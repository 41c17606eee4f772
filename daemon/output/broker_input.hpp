#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/input/command_news.hpp"
#include "daemon/input/line_input.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/output_context.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

/// Commands that a message broker delivers (docs/commands.md), and their ends on the way back. A message is
/// acknowledged when its command was accepted, or cannot be one.
class broker_input {
 public:
  /// While so many have not come to their end, or wait for their answer to be published, nothing is received.
  static constexpr std::size_t most_unfinished = 256;
  using taker =
      std::function<asio::awaitable<void>(std::string from, line_input::line message, command_listener told)>;

  broker_input(const output_context& context, const config::output_settings& settings,
               std::unique_ptr<broker_receiver> receiver, taker take);

  /// Ends when it is cancelled, or after `finish`.
  asio::awaitable<void> run();
  /// The sessions end: what a stream or an MQTT broker keeps stays there from now on, for the next daemon.
  /// What comes from elsewhere is received still, and refused.
  void stop_receiving();
  /// Nothing more is received. Suspends until the answers that there are were published, or until `until`.
  /// May be cancelled.
  asio::awaitable<void> finish(clock::time_point until);
  /// Whether a call that blocks is on its way.
  [[nodiscard]] bool at_work() const noexcept { return thread_.busy(); }

  /// How long the end waits for a broker that fails.
  static constexpr std::chrono::seconds last_attempt{1};

 private:
  struct pending_answer {
    std::string to;
    std::string correlation;
    std::string text;
  };
  /// Returns why not all was published.
  asio::awaitable<std::string> publish();
  asio::awaitable<void> let_go();
  asio::awaitable<void> receive();
  asio::awaitable<void> take(broker_receiver::message come);
  [[nodiscard]] bool receives() const noexcept {
    return !stopping_ && unfinished_ + answers_.size() < most_unfinished;
  }
  asio::awaitable<void> wait_for_room();
  asio::awaitable<void> pause(std::string why);
  void note(const command_news& news, const std::string& to, const std::string& correlation,
            const std::shared_ptr<bool>& accepted);

  output_context context_;
  config::output_settings settings_;
  std::unique_ptr<broker_receiver> receiver_;
  taker take_;
  backoff pauses_;
  notifier changed_;
  std::deque<pending_answer> answers_;
  std::size_t unfinished_ = 0;
  std::size_t unaccepted_ = 0;
  std::uint64_t number_ = 0;  ///< of the last message
  std::uint64_t lost_ = 0;
  std::string failed_;
  bool is_kept_;  ///< at the broker, what is not acknowledged
  bool stopping_ = false;
  bool has_let_go_ = false;  ///< `receiver_` knows that
  bool closing_ = false;
  bool ended_ = false;
  worker thread_;  ///< ends first
};

}  // namespace duplexd
