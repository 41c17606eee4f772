#include <fmt/format.h>

#include <set>

#include "daemon/event/describe.hpp"
#include "daemon/event/timestamp.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

TEST_CASE("a failed attempt says phase, cause and next attempt") {
  const fault what{.kind = config::fault_class::http, .cause = "HTTP 503", .http_status = 503};
  const auto again = describe(happening::attempt_failed{what, 1500ms});
  CHECK(again.level == config::log_level::warning);
  CHECK(again.message == "http: HTTP 503; next attempt in 1.5 s");
  CHECK(again.fields.dump() ==
        R"({"class":"http","fault":"F05","cause":"HTTP 503","http_status":503,"next_attempt_ms":1500})");
  const auto never = describe(happening::attempt_failed{what, {}});
  CHECK(never.level == config::log_level::error);
  CHECK(never.message == "http: HTTP 503; giving up");
  const fault in_step{.kind = config::fault_class::script, .cause = "oh", .place = fault_place{"", 3}};
  CHECK(describe(happening::attempt_failed{in_step, {}}).message == "script: oh (line 3); giving up");
  CHECK(describe(happening::attempt_failed{in_step, {}}).fields["cause"] == "oh (line 3)");
}

TEST_CASE("a closed link says by whom and why") {
  CHECK(describe(happening::link_closed{{1000, "user quit"}, false}).message == "closed: 1000 user quit");
  CHECK(describe(happening::link_closed{{1005, ""}, true}).message == "closed by the server: without a code");
}

namespace {

struct line {
  event what;
  std::string level;
  std::string text;  ///< name, message, fields
};

std::vector<line> all_lines() {
  using namespace happening;
  return {
      {attempting{"wss://a"}, "info", R"(attempting|attempting connection to wss://a|{"url":"wss://a"})"},
      {connected{}, "info", "connected|connected|null"},
      {login_sent{}, "debug", "login_sent|login sent|null"},
      {login_accepted{}, "info", "login_accepted|login accepted|null"},
      {certificate_unverified{}, "warning",
       "certificate_unverified|the server's certificate is not verified (tls.verify is off): the server may "
       "be an impostor|null"},
      {journal_replaced{"w", "j.corrupt"}, "error",
       "journal_replaced|the journal cannot be used (w): it was moved to j.corrupt, and a new one was begun|"
       R"({"why":"w","moved_to":"j.corrupt"})"},
      {journal_orphans{"o", 3}, "warning",
       "journal_orphans|the journal has 3 event(s) for output o, which is not durable any more; they stay "
       R"(until their room is needed|{"output":"o","count":3})"},
      {journal_failed{"w", 1500ms}, "error",
       R"(journal_failed|the journal failed: w; events wait, next attempt in 1.5 s|{"why":"w","next_ms":1500})"},
      {journal_full{5}, "warning",
       "journal_full|the journal is full (5 bytes): its sessions are held back until outputs have taken "
       R"(events|{"size":5})"},
      {journal_recovered{}, "info", "journal_recovered|the journal takes events again|null"},
      {journal_broken{"w"}, "error",
       "journal_broken|the journal is damaged: w; the daemon ends, the next start moves it "
       R"(aside|{"why":"w"})"},
      {command_refused{"c", "w"}, "warning",
       R"(command_refused|command c not sent: w|{"command":"c","why":"w"})"},
      {undecodable{"w", 9}, "warning",
       R"(undecodable|no layout fits a message of 9 bytes: w|{"size":9,"why":"w"})"},
      {held_back{"gap", 3}, "warning",
       R"(held_back|3 more warnings of this kind (gap) were not logged|{"of":"gap","count":3})"},
      {script_finished{}, "debug", "script_finished|script finished|null"},
      {call_retried{"c", 2}, "warning",
       R"(call_retried|no reply to c in time: sent again (2)|{"command":"c","retry":2})"},
      {command_ended{"c", "written", ""}, "info",
       R"(command_ended|command c written|{"command":"c","state":"written","why":""})"},
      {command_ended{"c", "refused", "w"}, "info",
       R"(command_ended|command c refused: w|{"command":"c","state":"refused","why":"w"})"},
      {command_invalid{3, "w"}, "warning",
       R"(command_invalid|line 3 of the commands is not valid: w|{"line":3,"why":"w"})"},
      {command_invalid{3, "w", "o"}, "warning",
       R"(command_invalid|line 3 of the answers of output o is not valid: w|{"line":3,"why":"w","output":"o"})"},
      {command_invalid{3, "w", "o", true}, "warning",
       R"(command_invalid|message 3 for output o is not a valid command: w|{"line":3,"why":"w","output":"o"})"},
      {heartbeat_missed{"w"}, "warning", R"(heartbeat_missed|w|{"why":"w"})"},
      {reply_overdue{"r", 1'550ms}, "warning",
       R"(reply_overdue|no reply r for 1.6 s|{"reply":"r","within_ms":1550})"},
      {subprotocol_ignored{"a, b"}, "warning",
       "subprotocol_ignored|the server chose none of the subprotocols that were offered (a, b)|"
       R"({"offered":"a, b"})"},
      {sequence_broken{"r", "f", "", 3, 4}, "warning",
       R"(gap|gap in r.f: expected 3, found 4|{"reply":"r","field":"f","key":"","expected":3,"found":4})"},
      {sequence_broken{"r", "f", "[1]", 3, 4}, "warning",
       R"(gap|gap in r.f of [1]: expected 3, found 4|{"reply":"r","field":"f","key":"[1]","expected":3,"found":4})"},
      {sequence_broken{"r", "f", "[1]", 3, 4, true}, "warning",
       R"(gap|gap in r.f of [1] since the last connection: expected 3, found 4|)"
       R"({"reply":"r","field":"f","key":"[1]","expected":3,"found":4})"},
      {events_late{"r", 12'345ms, 10s}, "warning",
       "events_late|the newest event of r is 12.3 s old, allowed: 10.0 s|"
       R"({"reply":"r","age_ms":12345,"at_most_ms":10000})"},
      {events_in_time{"r", 7ms}, "info",
       R"(events_in_time|the newest event of r is 7 ms old: in time again|{"reply":"r","age_ms":7})"},
      {event_time_unusable{"r", "f"}, "warning",
       R"(event_time_unusable|r.f is not a time: the lag of this event is not known|{"reply":"r","field":"f"})"},
      {event_time_ahead{"r", "f", 3600s}, "warning",
       "event_time_ahead|r.f is 3600.0 s in the future: the lag of this event counts as 0. Check the clocks, "
       R"(and the unit|{"reply":"r","field":"f","ahead_ms":3600000})"},
      {limit_reached{"limits.x", "w"}, "warning",
       R"(limit_reached|w (limits.x)|{"limit":"limits.x","what":"w"})"},
      {task_failed{"t", "w"}, "warning", R"(task_failed|task t failed: w|{"task":"t","why":"w"})"},
      {task_failed{"", "w"}, "warning", R"(task_failed|a branch failed: w|{"task":"","why":"w"})"},
      {resubscribed{}, "info", "resubscribed|subscribing again|null"},
      {inactive{179s}, "info",
       R"(inactive|outside of active hours: connecting in 2 min|{"until_active_s":179})"},
      {link_renewed{"w"}, "info", R"(renewed|reconnecting: w|{"why":"w"})"},
      {link_closed{{1000, "bye"}, false}, "info",
       R"(closed|closed: 1000 bye|{"code":1000,"reason":"bye","by_peer":false})"},
      {link_closed{{1006, ""}, false}, "info",
       R"(closed|closed: 1006|{"code":1006,"reason":"","by_peer":false})"},
      {link_closed{{1004, ""}, true}, "info",
       R"(closed|closed by the server: 1004|{"code":1004,"reason":"","by_peer":true})"},
      {link_closed{{1005, ""}, true}, "info",
       R"(closed|closed by the server: without a code|{"code":1005,"reason":"","by_peer":true})"},
      {attempt_failed{{.cause = "c", .close_code = 4001}, 0ms}, "warning",
       R"(failed|lost: c; next attempt at once|{"class":"lost","fault":"F08","cause":"c","close_code":4001,"next_attempt_ms":0})"},
      {attempt_failed{{.cause = "c"}, 1ms}, "warning",
       R"(failed|lost: c; next attempt in 1 ms|{"class":"lost","fault":"F08","cause":"c","next_attempt_ms":1})"},
      {attempt_failed{{.cause = "c", .http_status = 503}, {}}, "error",
       R"(failed|lost: c; giving up|{"class":"lost","fault":"F08","cause":"c","http_status":503})"},
      {quit{}, "info", "quit|session ended|null"},
      {started{"1.2", "f", 3}, "info",
       R"(started|duplexd 1.2 started with 3 session(s) from f|{"version":"1.2","file":"f","sessions":3})"},
      {stopping{"SIGTERM", 1500ms}, "info",
       R"(stopping|stopping (SIGTERM), at most 1.5 s|{"why":"SIGTERM","limit_ms":1500})"},
      {listening{"w", "a"}, "info", R"(listening|w listens on a|{"what":"w","address":"a"})"},
      {listen_failed{"w", "y"}, "error", R"(listen_failed|w y|{"what":"w","why":"y"})"},
      {operated{"o", "w"}, "info", R"(operated|w by o|{"what":"w","who":"o"})"},
      {reloaded{1, 2, 3, 4, 5}, "info",
       "reloaded|configuration reloaded: 1 session(s) added, 2 removed, 3 reconnect, 4 change in place, 5 "
       "unchanged|"
       R"({"added":1,"removed":2,"reconnect":3,"in_place":4,"unchanged":5})"},
      {reload_refused{"w"}, "error",
       R"(reload_refused|configuration not reloaded, nothing has changed: w|{"why":"w"})"},
      {output_closed{"o", "w"}, "error", R"(output_closed|output o failed: w|{"output":"o","why":"w"})"},
      {output_failed{"o", "w", 1500ms}, "error",
       R"(output_failed|output o failed: w; events wait, next attempt in 1.5 s|{"output":"o","why":"w","next_ms":1500})"},
      {output_recovered{"o"}, "info", R"(output_recovered|output o works again|{"output":"o"})"},
      {commands_failed{"o", "w", 1500ms}, "error",
       R"(commands_failed|commands for output o cannot be received: w; next attempt in 1.5 s|)"
       R"({"output":"o","why":"w","next_ms":1500})"},
      {commands_recovered{"o"}, "info",
       R"(commands_recovered|commands for output o are received again|{"output":"o"})"},
      {commands_lost{"o", 4}, "warning",
       R"(commands_lost|commands for output o came too fast: 4 are lost so far|{"output":"o","count":4})"},
      {batch_refused{"o", "w", 2, 5, true}, "error",
       R"(batch_refused|output o: w; 2 event(s) went to the dead letters, 5 so far|)"
       R"({"output":"o","why":"w","events":2,"count":5,"kept":true})"},
      {batch_refused{"o", "w", 2, 2, false}, "error",
       R"(batch_refused|output o: w; 2 event(s) are lost, 2 so far|)"
       R"({"output":"o","why":"w","events":2,"count":2,"kept":false})"},
      {program_said{"o", "l"}, "info", R"(program_said|output o: l|{"output":"o","line":"l"})"},
      {events_dropped{"o", 4}, "warning",
       R"(events_dropped|output o is too slow: 4 event(s) were dropped so far|{"output":"o","count":4})"},
      {descriptors_short{10, 20}, "warning",
       R"(descriptors_short|20 sessions, but no more than 10 file descriptors: some will not connect; raise )"
       R"(LimitNOFILE or the hard limit of ulimit -n|{"sessions":20,"limit":10})"},
      {cut_short{"w", 2}, "error",
       R"(cut_short|ending at once (w): 2 session(s) not closed cleanly|{"why":"w","sessions":2})"},
  };
}

}  // namespace

TEST_CASE("every event has its level, its name, its message and its fields") {
  std::set<std::size_t> seen;
  for (const line& each : all_lines()) {
    const description made = describe(each.what);
    CHECK(fmt::format("{}|{}|{}", made.name, made.message, made.fields.dump()) == each.text);
    CHECK(config::name_of(made.level) == each.level);
    CHECK(level_of(each.what) == made.level);
    seen.insert(each.what.index());
  }
  CHECK(seen.size() == std::variant_size_v<event>);
}

TEST_CASE("times are RFC 3339 in UTC with microseconds") {
  using std::chrono::system_clock;
  CHECK(timestamp(system_clock::time_point{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(timestamp(system_clock::time_point{} + 951'827'696s + 7us) == "2000-02-29T12:34:56.000007Z");
  CHECK(timestamp(system_clock::time_point{} + 24h - 1ns) == "1970-01-01T23:59:59.999999Z");
  CHECK(timestamp(system_clock::time_point{} + 4'102'444'799s) == "2099-12-31T23:59:59.000000Z");
  CHECK(timestamp(system_clock::time_point{} - 1us) == "1969-12-31T23:59:59.999999Z");
}
