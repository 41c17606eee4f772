#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
/// acknowledged when its command was accepted, or cannot be one. Of a broker that keeps messages, one that
/// cannot be taken for now stays there, and those behind it: it is tried again after growing pauses.
class broker_input {
 public:
  /// While so many have not come to their end, or wait for their answer to be published, nothing is received.
  static constexpr std::size_t most_unfinished = 256;
  /// Nor while answers, and where they go, have so many bytes.
  static constexpr std::size_t most_answer_bytes = std::size_t{4} << 20;
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
  /// How often a broker hears that messages are held.
  static constexpr std::chrono::seconds held_turn{1};

 private:
  struct pending_answer {
    std::string to;
    std::string correlation;
    std::string text{};
    [[nodiscard]] std::size_t size() const noexcept { return to.size() + correlation.size() + text.size(); }
  };
  /// What was received together.
  struct batch {
    std::vector<broker_receiver::message> messages{};
    std::vector<bool> accepted{};  ///< which of these
    std::size_t unaccepted = 0;    ///< how many were taken, and neither accepted nor given back
    std::string back{};            ///< why one was given back; empty: none was
  };
  /// Returns why not all was published.
  asio::awaitable<std::string> publish();
  asio::awaitable<void> let_go();
  asio::awaitable<void> receive();
  asio::awaitable<std::string> fetch(batch& into);
  asio::awaitable<void> take(const std::shared_ptr<batch>& of, std::size_t index);
  asio::awaitable<bool> take_all(const std::shared_ptr<batch>& what);
  [[nodiscard]] bool is_left(const batch& what, const broker_receiver::message& next) const noexcept;
  asio::awaitable<bool> acknowledge(std::vector<bool> accepted);
  [[nodiscard]] bool receives() const noexcept {
    return !stopping_ && unfinished_ + answers_.size() < most_unfinished && answer_bytes_ < most_answer_bytes;
  }
  asio::awaitable<void> wait_for_room();
  asio::awaitable<void> pause(std::string why, bool is_told = true);
  asio::awaitable<void> keep_held();
  /// Of one message, as long as something may be told of it.
  struct follower {
    std::shared_ptr<batch> of;
    std::size_t index;
    pending_answer answer;  ///< without its text
    bool comes_again = false;
    bool is_settled = false;  ///< accepted, or given back
    bool has_ended = false;
  };
  void note(const command_news& news, follower& who);
  [[nodiscard]] std::shared_ptr<follower> follow(const std::shared_ptr<batch>& of, std::size_t index);

  output_context context_;
  config::output_settings settings_;
  std::unique_ptr<broker_receiver> receiver_;
  taker take_;
  backoff pauses_;
  notifier changed_;
  std::deque<pending_answer> answers_;
  std::size_t unfinished_ = 0;
  std::size_t answer_bytes_ = 0;                ///< of `answers_`, and of where those go that are unfinished
  std::vector<broker_receiver::message> held_;  ///< given back, and not yet acknowledged to the broker
  clock::time_point keep_again_{};              ///< when it is told that they are held
  std::uint64_t number_ = 0;                    ///< of the last message
  std::uint64_t lost_ = 0;
  std::string failed_;    ///< what was last told
  bool is_away_ = false;  ///< the broker, in the last attempt
  bool is_unflushed_ = false;
  bool is_kept_;  ///< at the broker, what is not acknowledged
  bool stopping_ = false;
  bool has_let_go_ = false;  ///< `receiver_` knows that
  bool closing_ = false;
  bool ended_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  worker thread_;  ///< ends first
};

}  // namespace duplexd
