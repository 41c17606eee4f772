#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/event/event_line.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/runtime/turn_budget.hpp"
#include "daemon/runtime/turn_lane.hpp"
#include "daemon/session/exchange/event_routes.hpp"
#include "daemon/session/exchange/reading_clock.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/freshness.hpp"
#include "daemon/session/script/script_runner.hpp"

namespace duplexd {

/// Takes messages off one link, writes their packets' events and offers the packets to whoever waits for
/// them. It works in turns (turn_budget), so that neither a flood nor a large message keeps the loop from
/// others. While outputs or handlers have no room it handles nothing and reads ahead only `limits.inbox`
/// bytes: enough that pings are answered, the rest is held back by TCP.
class receiver {
 public:
  receiver(const config::session_settings& settings, const session_context& context, transport& link,
           event_routes& outputs, reply_inbox& replies, script_runner& script, freshness& fresh);

  /// Runs until the link has ended, or it is cancelled. Before the end of a link is taken note of, everything
  /// that came before it has been handled, and steps have done what they can do without waiting.
  asio::awaitable<void> run();

  /// What a reload changed: the bytes that are read ahead, and the outputs that are waited for.
  void adopt(std::uint64_t read_ahead);

  /// The next message, whenever it came, is unpacked by another protocol. Not to be called while
  /// `in_message()`.
  void adopt(const std::shared_ptr<const protocol::protocol>& types);

  /// Whether packets of a message may not have been handled yet.
  [[nodiscard]] bool in_message() const noexcept { return in_message_; }

  /// Calls that when they have been, once; an empty one: nothing. Not to be called while `in_message()` is
  /// false.
  void at_message_end(std::function<void()> act) { at_message_end_ = std::move(act); }

  /// The clock by which the peer's silence is measured.
  [[nodiscard]] const reading_clock& reading() const noexcept { return reading_; }

  /// When the link was last read again after it had not been.
  [[nodiscard]] clock::time_point read_again() const noexcept { return read_again_; }

  /// Whether what is being handled may have waited for outputs or handlers: its age is no fault of the peer.
  [[nodiscard]] bool has_waited() const noexcept { return has_waited_; }

  /// The wall's time of what is being handled, RFC 3339.
  [[nodiscard]] std::string_view time() const noexcept { return time_; }

 private:
  struct message {
    protocol::frame_kind kind;
    std::vector<std::uint8_t> bytes;
  };
  enum class turn_end : std::uint8_t { dry, used_up, no_room };

  enum holding_task { room, more };

  turn_end take_turn(turn_budget& turn);
  void judge_turn(bool was_long);
  bool next_message(protocol::frame_view& out);
  void handle(const protocol::packet& packet);
  [[nodiscard]] bool has_room() const noexcept;
  asio::awaitable<int> wait_for_room();
  asio::awaitable<int> wait_for_more();
  asio::awaitable<void> hold_back();
  [[nodiscard]] bool may_read_ahead() const noexcept;
  void read_ahead();
  asio::awaitable<void> settle();

  const config::session_settings& settings_;
  const session_context& context_;
  transport& link_;
  event_routes& outputs_;
  reply_inbox& replies_;
  script_runner& script_;
  freshness& fresh_;
  std::optional<protocol::packet_reader> packets_;  ///< always there; made again for another protocol
  event_line line_;
  reading_clock reading_;
  clock::time_point read_again_{};
  std::string time_;
  session_counters& counters_;
  const protocol::message_type* types_ = nullptr;  ///< the first of the protocol's replies
  clock::time_point turn_began_{};                 ///< by `reading_`
  std::optional<turn_lane::place> place_;
  unsigned long_turns_ = 0;  ///< how many turns more are taken in line
  bool settled_ = false;     ///< everything before the end of the link has had its effect
  bool has_waited_ = false;
  bool in_message_ = false;  ///< `packets_` may have more of a message
  std::function<void()> at_message_end_;
  std::size_t of_message_ = 0;  ///< bytes of its packets that were handled
  message current_{};           ///< if it had been read ahead
  std::deque<message> ahead_;
  std::size_t ahead_bytes_ = 0;
  std::uint64_t read_ahead_limit_;
  task_group<int>* holding_ = nullptr;  ///< while the link is held back
};

}  // namespace duplexd
