#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "config/settings/settings.hpp"
#include "daemon/link/life_cycle.hpp"
#include "daemon/session/active_link.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/exchange/variables.hpp"
#include "daemon/session/lag_watch.hpp"
#include "daemon/session/sequence_watch.hpp"
#include "daemon/session/session_status.hpp"

namespace duplexd {

/// How a session ended.
struct session_result {
  std::optional<fault> fatal{};              ///< empty: a clean end
  std::optional<std::uint16_t> exit_code{};  ///< that the configuration gives this fault
};

/// One configured session: dials, serves the link, waits, dials again, for ever (see life_cycle).
/// Used from the loop's thread; the context outlives it. An attempt and a link keep the settings they began
/// with.
class session {
 public:
  session(std::shared_ptr<const config::session_settings> settings, session_context context);

  [[nodiscard]] const std::string& name() const noexcept { return settings_->name; }
  [[nodiscard]] link_state state() const noexcept { return life_.state(); }

  /// Whether the daemon is ready only while this session is up.
  [[nodiscard]] bool required() const noexcept { return settings_->required; }

  /// Where it stands now.
  [[nodiscard]] session_status status() const;
  [[nodiscard]] session_phase phase() const noexcept { return phase_; }
  [[nodiscard]] const session_counters& counters() const noexcept { return *context_.counters; }
  [[nodiscard]] const lag_watch& lag() const noexcept { return lag_; }
  [[nodiscard]] const outbox::traffic& given() const noexcept { return outbox_.given(); }
  [[nodiscard]] const protocol::protocol& messages() const noexcept { return *settings_->protocol; }

  /// Runs until the session has ended. Call once. Not to be cancelled: use `stop()`.
  asio::awaitable<session_result> run();

  /// Asks for a clean end: the dial or the wait is given up, an open link is closed in order.
  void stop();

  /// Closes the connection cleanly, or gives up the attempt, and connects no more until `resume()`.
  void pause();

  /// Ends a pause, or a drain.
  void resume();

  /// Closes the connection cleanly, or gives up the wait for the next attempt, and connects at once. Ends a
  /// pause.
  void reconnect();

  /// Takes other settings of the same name, and the outputs of these. With a connection it closes that
  /// cleanly first and connects at once; a pause goes on. Commands that were taken leave as they were packed.
  void replace(std::shared_ptr<const config::session_settings> settings, std::vector<event_route> outputs);

  /// The same for settings that differ only in fields that reloads take at once: the connection stays. They
  /// hold from the next reply on; what runs or waits in a handler comes to its end as it began. With another
  /// protocol, which has every reply of the one before, they hold from the next message on.
  void adopt(std::shared_ptr<const config::session_settings> settings, std::vector<event_route> outputs);

  /// What it works with, or will with its next connection or message.
  [[nodiscard]] const config::session_settings& settings() const noexcept {
    if (replacement_) return *replacement_->settings;
    return deferred_ ? *deferred_->settings : *settings_;
  }

  /// The rules of a command that is submitted now, whatever a reload has for later; null: none.
  [[nodiscard]] const config::command_settings* rules_of(const std::string& command) const {
    return settings_->rules_of(command);
  }

  /// Refuses further commands from outside; when those that it has taken have come to their end it pauses.
  void drain();

  /// From now on, another output gets every event as a JSON line, until it is detached. It outlives that.
  void attach(output& to) {
    attached_.push_back(&to);
    context_.outputs.push_back({&to, nullptr});
  }
  void detach(const output& from) {
    std::erase(attached_, &from);
    std::erase_if(context_.outputs, [&](const event_route& each) { return each.to == &from; });
  }

  /// Takes a command for good: it is sent now, waits for a link, or is refused, as the configuration says.
  /// Returns its fate in the making; see outbox. The end of one that has an id is an event of the session,
  /// unless it is given back.
  std::shared_ptr<const submission> submit(const std::string& command, const nlohmann::ordered_json& values,
                                           std::function<void(const submission&)> on_change = {},
                                           command_origin from = {});

  /// Takes a durable command back that an earlier run of the daemon has left.
  std::shared_ptr<const submission> restore(const kept_command& what,
                                            std::function<void(const submission&)> on_change = {});

  /// Tells the end of a command once more, to somebody who repeats it.
  void tell_again(const kept_command& what);

  /// Ends a command of that source that waits to be sent. False: it does not wait.
  bool cancel(std::string_view source, std::string_view id) { return outbox_.cancel(source, id); }

  /// Suspends until the first attempt has come to an end: the session is logged in, or it failed, or it is
  /// outside of its hours. A command that comes before that would be refused for no good reason. May be
  /// cancelled.
  asio::awaitable<void> wait_tried();

 private:
  /// What somebody wants of it.
  enum class wish : std::uint8_t { run, pause, reconnect, stop };
  void want(wish what);
  void take_replacement();
  void take_outputs(std::vector<event_route> outputs);
  void begin_sequences();
  void take_in_place(std::shared_ptr<const config::session_settings> settings,
                     std::vector<event_route> outputs);
  void take_deferred();
  asio::awaitable<void> obey();
  void pause_if_drained();
  [[nodiscard]] bool goes_on_later() const noexcept { return stop_.raised() && wish_ != wish::stop; }

  void note_tried();
  void enter(session_phase phase);
  void tell_end(const submission& what, bool is_repeated = false);
  [[nodiscard]] std::function<void(const submission&)> counted_when_taken(
      std::function<void(const submission&)> on_change);
  [[nodiscard]] std::function<void(const submission&)> followed_by(
      std::function<void(const submission&)> on_change);
  asio::awaitable<int> keep_outbox();
  asio::awaitable<int> watch_drain();
  void look_after_outbox();
  asio::awaitable<void> live();
  asio::awaitable<void> await_hours();
  asio::awaitable<void> dial();
  asio::awaitable<void> serve();
  asio::awaitable<void> let_end();
  asio::awaitable<void> wait(std::chrono::milliseconds delay);
  asio::awaitable<std::shared_ptr<dial_result>> attempt(std::size_t index, bool& reached_url);
  void fail(const fault& what, std::chrono::milliseconds lifetime);
  void leave(const link_result& how, std::chrono::milliseconds lifetime);

  std::shared_ptr<const config::session_settings> settings_;
  session_context context_;
  struct replacement {
    std::shared_ptr<const config::session_settings> settings;
    std::vector<event_route> outputs;
  };
  std::optional<replacement> replacement_;  ///< until the connection has ended
  std::optional<replacement> deferred_;     ///< until the end of the message that is being handled
  std::vector<output*> attached_;
  life_cycle life_;
  link_action next_;
  variables values_;
  outbox outbox_;
  sequence_watch sequences_{{}, 0};
  lag_watch lag_;
  stop_flag stop_;  ///< what it does is to be left; `wish_` says what for
  wish wish_ = wish::run;
  notifier wish_changed_{context_.loop};
  notifier command_ended_{context_.loop};  ///< while it is drained
  bool draining_ = false;
  session_phase phase_ = session_phase::starting;
  clock::time_point since_;
  std::optional<clock::time_point> next_attempt_;
  std::optional<fault> last_fault_;  ///< until the next login
  std::unique_ptr<transport> link_;
  active_link* serving_ = nullptr;  ///< on `link_`
  task_group<int> tasks_;
  task_group<int> old_link_;  ///< the link before, whose server has not ended TCP yet
  bool has_old_link_ = false;
  bool running_ = false;
  bool looks_after_outbox_ = false;
  bool keeps_outbox_ = false;
  bool tried_ = false;
  notifier tried_changed_{context_.loop};
  event_routes outputs_{context_.outputs};
  event_line line_{settings_->name};
};

}  // namespace duplexd
