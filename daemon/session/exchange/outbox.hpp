#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/link/command_keeper.hpp"
#include "daemon/link/token_bucket.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/session/exchange/offline_queue.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "daemon/session/exchange/submission.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd {

/// The one door by which messages enter a session. Scripts `send()`: such a message belongs to its link and
/// ends with it. Commands that come while the daemon runs are `submit()`ted: each has a state that its
/// submitter can follow, and may wait for a link in a bounded queue.
class outbox {
 public:
  /// Above this many bytes on their way nothing more is taken off the queue, and scripts wait.
  static constexpr std::size_t low_water = 256u << 10;
  /// Above this many bytes even a script's message is refused.
  static constexpr std::size_t high_water = 8u << 20;

  /// Durable commands are marked on the disk before they leave: at most so many with one commit.
  static constexpr std::size_t most_marks = 64;
  /// How soon that is tried again after it failed.
  static constexpr std::chrono::seconds mark_pause{1};
  /// A durable command that may be sent again is not after its link has ended so often before its own end.
  static constexpr std::uint32_t most_attempts = 4;

  /// `keeper`: of durable commands, outlives this; null: they are like all others.
  outbox(const asio::any_io_executor& loop, clock& time,
         std::shared_ptr<const config::session_settings> settings, command_keeper* keeper = nullptr);

  /// The link that messages leave by; null between links. Taking it away ends what is still on its way or
  /// unconfirmed as `unknown`; what waits in the queue goes on waiting. When somebody wants to know whether
  /// messages have left, `begin` is called to start `run_link()`: an idle link needs nobody who waits for
  /// that.
  void attach(transport* link, std::function<void()> begin = {});

  /// From the login on submitted commands leave too, and their confirmations are looked for on `replies`.
  void open_gate() noexcept;
  /// Called each time that this happens.
  void on_open(std::function<void()> listener) { opened_ = std::move(listener); }

  /// The link is about to be closed and ignores what is sent: submitted commands no longer leave by it.
  void close_gate() noexcept { gate_open_ = false; }

  /// Sends in this turn of the loop. False if there is no link or far too much is on its way.
  /// `answer_awaited`: nothing follows it before its answer, so it need not wait for the turn's end.
  bool send(protocol::frame_view message, bool answer_awaited = false);

  /// Suspends until everything sent so far is in the kernel, or the link has ended. May be cancelled.
  asio::awaitable<void> wait_written();

  /// Whether so much is on its way that whoever can should `wait_written()`.
  [[nodiscard]] bool congested() const noexcept { return link_ != nullptr && link_->unsent() > low_water; }

  /// Whether anything limits how often messages are sent.
  [[nodiscard]] bool has_rates() const noexcept {
    return settings_->rate.messages > 0 || !command_rates_.empty();
  }

  /// When a script may send the command next; takes that turn. The login takes none.
  clock::time_point take_turn(const std::string& command);

  /// Takes a command from outside, for good: it comes to exactly one end. Never suspends, never throws.
  /// `on_change` is called at each change, also from within this call. Of a durable command it is called when
  /// the change is on the disk. One whose origin has it still is given back if the queue is full, the journal
  /// cannot be written, or `refuse_new` holds.
  std::shared_ptr<const submission> submit(const std::string& command, const nlohmann::ordered_json& values,
                                           std::function<void(const submission&)> on_change = {},
                                           command_origin from = {});

  /// Takes a durable command back that an earlier run of the daemon has left: it is queued, or it ends at
  /// once.
  std::shared_ptr<const submission> restore(const kept_command& what,
                                            std::function<void(const submission&)> on_change);

  /// Ends a command that waits. False: that source has none of that id, or it is being sent.
  bool cancel(std::string_view source, std::string_view id);

  /// A reply came: it may confirm a command. `data`: the values that conditions look at; `json`: all of them.
  void see(const std::string& reply, const nlohmann::ordered_json& data, std::string_view json = {});

  /// Moves messages on to written. Ends when all are: see `attach`.
  asio::awaitable<void> run_link();

  /// Empties the queue as fast as gate and rates allow, and ends what has waited for too long. To be run from
  /// the first command that is submitted until the session ends, until cancelled.
  asio::awaitable<void> run();

  /// Refuses what is submitted from now on, with this reason; an empty one: takes it again.
  void refuse_new(std::string why) { refusal_ = std::move(why); }

  /// Whether every command that was submitted has come to its end.
  [[nodiscard]] bool is_idle() const noexcept {
    return waiting_.size() == 0 && leaving_.empty() && unconfirmed_.empty() && marking_.empty() &&
           accepting_.commands == 0;
  }

  /// Between two links: what is submitted from now on follows these settings. What waits or is confirmed
  /// later stays as it was packed, and keeps the settings that it came under.
  void replace(std::shared_ptr<const config::session_settings> settings);

  /// The session has ended: what waits in the queue is refused, and what comes later. Durable commands stay
  /// as they are, for the next run.
  void give_up();

  [[nodiscard]] std::size_t queued() const noexcept { return waiting_.size() + marking_.size(); }
  [[nodiscard]] std::size_t awaiting_reply() const noexcept { return unconfirmed_.size(); }

  /// What was given to links so far: of the login, of scripts, of commands.
  struct traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] const traffic& given() const noexcept { return given_; }

 private:
  struct unconfirmed {
    std::shared_ptr<submission> fate;
    wanted_reply answer;
    clock::time_point deadline;
    std::shared_ptr<queued_command> again{};  ///< of a durable one that may be sent again
  };
  using fate_pointer = std::shared_ptr<submission>;
  static constexpr const char* no_room = "too many commands are waiting";
  [[nodiscard]] queued_command queue_form(const fate_pointer& fate,
                                          std::shared_ptr<const config::command_settings> how,
                                          const protocol::message_type& type,
                                          const nlohmann::ordered_json& values,
                                          clock::time_point expires) const;
  void change(const fate_pointer& fate, command_state state, bool is_end, std::string why = "");
  void turn_away(const fate_pointer& fate, std::string why);
  void end_kept(const fate_pointer& fate, command_state state, std::string why);
  [[nodiscard]] queue_load beside_queue() const noexcept;
  void take_displaced(const std::vector<fate_pointer>& displaced);
  void keep(queued_command command, const nlohmann::ordered_json& values, std::string source);
  void take_kept(queued_command command, const std::string& failed);
  void take_marks(const std::string& failed);
  void mark();
  void lose_link();
  void unmark_waiting();
  void leave_kept();
  /// A function to be called later, unless the outbox is gone by then.
  template <class Act>
  [[nodiscard]] auto unless_gone(Act act) {
    return [gone = std::weak_ptr<int>(alive_), act = std::move(act)](const std::string& failed) mutable {
      if (!gone.expired()) act(failed);
    };
  }
  [[nodiscard]] std::shared_ptr<const config::command_settings> settings_of(const std::string& command) const;
  void set_rates();
  [[nodiscard]] bool is_open() const noexcept { return link_ != nullptr && gate_open_ && !link_->ended(); }
  [[nodiscard]] clock::time_point next_turn(const std::string& command, clock::time_point now) const;
  void leave(queued_command command);
  void watch_writing();
  void note_written();
  void expire();
  void drain();
  [[nodiscard]] clock::time_point next_check() const;

  asio::any_io_executor loop_;
  clock& time_;
  std::shared_ptr<const config::session_settings> settings_;
  transport* link_ = nullptr;
  std::function<void()> begin_;
  std::function<void()> opened_;
  traffic given_;
  bool gate_open_ = false;
  std::string refusal_;   ///< of what is submitted; empty: none
  bool writing_ = false;  ///< somebody wants to know when the kernel has everything
  bool watched_ = false;  ///< run_link runs
  token_bucket session_rate_;
  std::map<std::string, token_bucket> command_rates_;
  offline_queue waiting_;
  std::vector<queued_command> leaving_;
  std::vector<unconfirmed> unconfirmed_;
  std::vector<std::uint8_t> scratch_;
  command_keeper* keeper_;
  bool given_up_ = false;
  queue_load accepting_;                 ///< durable commands that are not on the disk yet
  std::vector<queued_command> marking_;  ///< taken off the queue until the disk says that they are sent
  std::size_t unmarked_ = 0;             ///< of these
  clock::time_point mark_again_{};
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  notifier written_;        ///< everything is in the kernel, or the link is gone
  notifier queue_changed_;  ///< wakes run
};

}  // namespace duplexd
