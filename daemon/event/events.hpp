#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/link/fault.hpp"
#include "daemon/link/transport.hpp"

namespace duplexd {

/// Everything that can happen and that somebody watching the daemon wants to know. Each happening is recorded
/// once; log lines (and, later, metrics) are made from it, so that they cannot disagree.
namespace happening {

// To a session.
struct attempting {
  std::string url;  ///< as configured: references unresolved
};
struct connected {};
struct subprotocol_ignored {  ///< the server chose none of those that were offered
  std::string offered;        ///< "mqtt, stomp"
};
struct login_sent {};
struct login_accepted {};
struct certificate_unverified {};  ///< tls.verify is off
struct command_refused {
  std::string command;
  std::string why;
};
struct undecodable {  ///< a frame that no layout fits; its event carries the bytes
  std::string why;
  std::size_t size = 0;
};
struct script_finished {};
struct call_retried {  ///< no reply came in time, the command is idempotent
  std::string command;
  unsigned retry = 0;  ///< 1 for the first
};
struct command_ended {  ///< submitted while the daemon runs; every one comes to one end
  std::string command;
  std::string state;  ///< "confirmed", "expired" …
  std::string why;
};
struct command_invalid {  ///< a line from outside that is not a command
  std::uint64_t line = 0;
  std::string why;
  std::string from{};       ///< the output whose program or broker said it; empty: stdin
  bool is_message = false;  ///< of a broker: `line` counts them
};
struct heartbeat_missed {
  std::string why;
};
struct reply_overdue {  ///< a reply that must come again and again does not
  std::string reply;
  std::chrono::milliseconds within{0};
};
struct sequence_broken {
  std::string reply;
  std::string field;
  std::string key;                  ///< as JSON; empty: the rule has none
  nlohmann::ordered_json expected;  ///< a whole number of 64 bits, with or without sign
  nlohmann::ordered_json found;
  bool over_links = false;  ///< it was due before this link
};
struct events_late {  ///< the newest event is older than it may be
  std::string reply;
  std::chrono::milliseconds age{0};
  std::chrono::milliseconds at_most{0};
};
struct events_in_time {  ///< after they were late
  std::string reply;
  std::chrono::milliseconds age{0};
};
struct event_time_unusable {  ///< the field of an event's time holds none
  std::string reply;
  std::string field;
};
struct event_time_ahead {  ///< an event's time is in the future
  std::string reply;
  std::string field;
  std::chrono::milliseconds ahead{0};
};
struct limit_reached {  ///< a bound of the configuration, and what follows
  std::string limit;    ///< "limits.inbox"
  std::string what;
};
struct task_failed {  ///< and its fault is kept for who asks for it
  std::string task;   ///< empty: a branch
  std::string why;
};
struct resubscribed {};
struct inactive {  ///< outside of its hours
  std::chrono::seconds until_active{0};
};
struct link_renewed {  ///< closed cleanly, to be opened again
  std::string why;
};
struct link_closed {
  close_reason reason;
  bool by_peer = false;
};
struct attempt_failed {  ///< no link came about, or the link ended by a fault
  fault what;
  std::optional<std::chrono::milliseconds> next;  ///< when the next attempt follows; empty: never
};
struct held_back {   ///< warnings that were not logged, so that nobody can flood the log
  std::string name;  ///< of the event
  std::size_t count = 0;
};
struct quit {};  ///< the session has ended

// To the whole daemon.
struct started {
  std::string version;
  std::string file;
  std::size_t sessions = 0;
};
struct descriptors_short {  ///< fewer file descriptors than sessions need
  std::uint64_t limit = 0;
  std::size_t sessions = 0;
};
struct stopping {
  std::string why;
  std::chrono::milliseconds limit{0};
};
struct reloaded {
  std::size_t added = 0;  ///< sessions
  std::size_t removed = 0;
  std::size_t reconnect = 0;
  std::size_t in_place = 0;  ///< they keep their connections
  std::size_t unchanged = 0;
};
struct reload_refused {  ///< nothing has changed
  std::string why;
};
struct listening {   ///< an HTTP server of ours
  std::string what;  ///< "health"
  std::string address;
};
struct listen_failed {
  std::string what;
  std::string why;
};
struct operated {   ///< somebody changed something
  std::string who;  ///< "uid 0, pid 12"
  std::string what;
};
struct output_closed {
  std::string output;
  std::string why;
};
struct output_failed {  ///< what it did not take waits
  std::string output;
  std::string why;
  std::chrono::milliseconds next{0};  ///< when it is tried again
};
struct output_recovered {
  std::string output;
};
struct commands_failed {  ///< a broker delivers none
  std::string output;
  std::string why;
  std::chrono::milliseconds next{0};  ///< when it is tried again
};
struct commands_recovered {
  std::string output;
};
struct commands_lost {  ///< because a broker does not keep what comes too fast
  std::string output;
  std::uint64_t count = 0;  ///< so far
};
struct batch_refused {  ///< by a server that will not take it later either
  std::string output;
  std::string why;
  std::size_t events = 0;   ///< of this batch
  std::uint64_t count = 0;  ///< events so far
  bool is_kept = false;     ///< in a file
};
struct program_said {  ///< a line that an output's program wrote for people
  std::string output;
  std::string line;
};
struct events_dropped {  ///< because an output's queue was full and its configuration says so
  std::string output;
  std::uint64_t count = 0;  ///< so far
};
struct journal_replaced {  ///< it was unusable; another one was begun
  std::string why;
  std::string moved_to;
};
struct journal_orphans {  ///< it holds events of an output that is not durable, or not defined, any more
  std::string output;
  std::uint64_t count = 0;
};
struct journal_failed {  ///< events wait in memory
  std::string why;
  std::chrono::milliseconds next{0};
};
struct journal_full {  ///< sessions that write to it are held back
  std::uint64_t size = 0;
};
struct journal_recovered {};  ///< it takes events again
struct journal_broken {       ///< for good
  std::string why;
};
struct cut_short {  ///< what was not closed in order when the limit passed or a second signal came
  std::string why;
  std::size_t sessions = 0;
};

}  // namespace happening

using event = std::variant<
    happening::attempting, happening::connected, happening::subprotocol_ignored, happening::login_sent,
    happening::login_accepted, happening::certificate_unverified, happening::command_refused,
    happening::undecodable, happening::script_finished, happening::call_retried, happening::command_ended,
    happening::command_invalid, happening::heartbeat_missed, happening::reply_overdue,
    happening::sequence_broken, happening::events_late, happening::events_in_time,
    happening::event_time_unusable, happening::event_time_ahead, happening::limit_reached,
    happening::task_failed, happening::resubscribed, happening::inactive, happening::link_renewed,
    happening::link_closed, happening::attempt_failed, happening::held_back, happening::quit,
    happening::started, happening::descriptors_short, happening::stopping, happening::reloaded,
    happening::reload_refused, happening::listening, happening::listen_failed, happening::operated,
    happening::output_closed, happening::output_failed, happening::output_recovered,
    happening::commands_failed, happening::commands_recovered, happening::commands_lost,
    happening::batch_refused, happening::program_said, happening::events_dropped, happening::journal_replaced,
    happening::journal_orphans, happening::journal_failed, happening::journal_full,
    happening::journal_recovered, happening::journal_broken, happening::cut_short>;

/// Takes what happened. Called on the loop's thread; must not block for long and never throws.
class telemetry {
 public:
  telemetry() = default;
  telemetry(const telemetry&) = delete;
  telemetry& operator=(const telemetry&) = delete;
  virtual ~telemetry() = default;

  /// `session` is empty for what happens to the whole daemon.
  virtual void record(std::string_view session, const event& what) = 0;
};

}  // namespace duplexd
