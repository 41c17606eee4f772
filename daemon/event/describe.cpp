#include "daemon/event/describe.hpp"

#include <fmt/format.h>

#include <utility>

#include "daemon/link/fault_code.hpp"

namespace duplexd {

namespace {

using json = nlohmann::ordered_json;

/// A description without its level.
struct wording {
  std::string_view name;
  std::string message;
  json fields;
};

std::string seconds(std::chrono::milliseconds time) {
  if (time < std::chrono::milliseconds{100}) return fmt::format("{} ms", time.count());
  return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000.0);
}

wording describe_fault(const happening::attempt_failed& event) {
  const fault& what = event.what;
  json fields{{"class", config::name_of(what.kind)}, {"fault", code_of(what.kind)}, {"cause", text_of(what)}};
  if (what.http_status) fields["http_status"] = *what.http_status;
  if (what.close_code) fields["close_code"] = *what.close_code;
  if (event.next) fields["next_attempt_ms"] = event.next->count();
  const bool at_once = event.next && event.next->count() == 0;
  const std::string then = !event.next ? "giving up"
                           : at_once   ? "next attempt at once"
                                       : "next attempt in " + seconds(*event.next);
  return {"failed", fmt::format("{}: {}; {}", config::name_of(what.kind), text_of(what), then),
          std::move(fields)};
}

std::string close_text(const close_reason& reason) {
  if (reason.code == 1005) return "without a code";
  return reason.text.empty() ? fmt::format("{}", reason.code)
                             : fmt::format("{} {}", reason.code, reason.text);
}

struct describer {
  wording operator()(const happening::attempting& e) const {
    return {"attempting", "attempting connection to " + e.url, {{"url", e.url}}};
  }
  wording operator()(const happening::connected&) const { return {"connected", "connected", {}}; }
  wording operator()(const happening::subprotocol_ignored& e) const {
    return {"subprotocol_ignored",
            fmt::format("the server chose none of the subprotocols that were offered ({})", e.offered),
            {{"offered", e.offered}}};
  }
  wording operator()(const happening::login_sent&) const { return {"login_sent", "login sent", {}}; }
  wording operator()(const happening::login_accepted&) const {
    return {"login_accepted", "login accepted", {}};
  }
  wording operator()(const happening::certificate_unverified&) const {
    return {"certificate_unverified",
            "the server's certificate is not verified (tls.verify is off): the server may be an impostor",
            {}};
  }
  wording operator()(const happening::command_refused& e) const {
    return {"command_refused",
            fmt::format("command {} not sent: {}", e.command, e.why),
            {{"command", e.command}, {"why", e.why}}};
  }
  wording operator()(const happening::undecodable& e) const {
    return {"undecodable",
            fmt::format("no layout fits a message of {} bytes: {}", e.size, e.why),
            {{"size", e.size}, {"why", e.why}}};
  }
  wording operator()(const happening::held_back& e) const {
    return {"held_back",
            fmt::format("{} more warnings of this kind ({}) were not logged", e.count, e.name),
            {{"of", e.name}, {"count", e.count}}};
  }
  wording operator()(const happening::script_finished&) const {
    return {"script_finished", "script finished", {}};
  }
  wording operator()(const happening::call_retried& e) const {
    return {"call_retried",
            fmt::format("no reply to {} in time: sent again ({})", e.command, e.retry),
            {{"command", e.command}, {"retry", e.retry}}};
  }
  wording operator()(const happening::command_ended& e) const {
    return {"command_ended",
            fmt::format("command {} {}{}{}", e.command, e.state, e.why.empty() ? "" : ": ", e.why),
            {{"command", e.command}, {"state", e.state}, {"why", e.why}}};
  }
  wording operator()(const happening::command_invalid& e) const {
    json fields{{"line", e.line}, {"why", e.why}};
    if (!e.from.empty()) fields["output"] = e.from;
    const std::string place = e.from.empty() ? "the commands" : "the answers of output " + e.from;
    return {"command_invalid",
            e.is_message
                ? fmt::format("message {} for output {} is not a valid command: {}", e.line, e.from, e.why)
                : fmt::format("line {} of {} is not valid: {}", e.line, place, e.why),
            std::move(fields)};
  }
  wording operator()(const happening::heartbeat_missed& e) const {
    return {"heartbeat_missed", e.why, {{"why", e.why}}};
  }
  wording operator()(const happening::reply_overdue& e) const {
    return {"reply_overdue",
            fmt::format("no reply {} for {}", e.reply, seconds(e.within)),
            {{"reply", e.reply}, {"within_ms", e.within.count()}}};
  }
  wording operator()(const happening::sequence_broken& e) const {
    return {"gap",
            fmt::format("gap in {}.{}{}{}{}: expected {}, found {}", e.reply, e.field,
                        e.key.empty() ? "" : " of ", e.key, e.over_links ? " since the last connection" : "",
                        e.expected.dump(), e.found.dump()),
            {{"reply", e.reply},
             {"field", e.field},
             {"key", e.key},
             {"expected", e.expected},
             {"found", e.found}}};
  }
  wording operator()(const happening::events_late& e) const {
    return {"events_late",
            fmt::format("the newest event of {} is {} old, allowed: {}", e.reply, seconds(e.age),
                        seconds(e.at_most)),
            {{"reply", e.reply}, {"age_ms", e.age.count()}, {"at_most_ms", e.at_most.count()}}};
  }
  wording operator()(const happening::events_in_time& e) const {
    return {"events_in_time",
            fmt::format("the newest event of {} is {} old: in time again", e.reply, seconds(e.age)),
            {{"reply", e.reply}, {"age_ms", e.age.count()}}};
  }
  wording operator()(const happening::event_time_unusable& e) const {
    return {"event_time_unusable",
            fmt::format("{}.{} is not a time: the lag of this event is not known", e.reply, e.field),
            {{"reply", e.reply}, {"field", e.field}}};
  }
  wording operator()(const happening::event_time_ahead& e) const {
    return {"event_time_ahead",
            fmt::format("{}.{} is {} in the future: the lag of this event counts as 0. Check the clocks, and "
                        "the unit",
                        e.reply, e.field, seconds(e.ahead)),
            {{"reply", e.reply}, {"field", e.field}, {"ahead_ms", e.ahead.count()}}};
  }
  wording operator()(const happening::limit_reached& e) const {
    return {"limit_reached", fmt::format("{} ({})", e.what, e.limit), {{"limit", e.limit}, {"what", e.what}}};
  }
  wording operator()(const happening::task_failed& e) const {
    return {"task_failed",
            e.task.empty() ? fmt::format("a branch failed: {}", e.why)
                           : fmt::format("task {} failed: {}", e.task, e.why),
            {{"task", e.task}, {"why", e.why}}};
  }
  wording operator()(const happening::resubscribed&) const {
    return {"resubscribed", "subscribing again", {}};
  }
  wording operator()(const happening::inactive& e) const {
    return {"inactive",
            fmt::format("outside of active hours: connecting in {} min", e.until_active.count() / 60),
            {{"until_active_s", e.until_active.count()}}};
  }
  wording operator()(const happening::link_renewed& e) const {
    return {"renewed", fmt::format("reconnecting: {}", e.why), {{"why", e.why}}};
  }
  wording operator()(const happening::link_closed& e) const {
    return {"closed",
            fmt::format("closed{}: {}", e.by_peer ? " by the server" : "", close_text(e.reason)),
            {{"code", e.reason.code}, {"reason", e.reason.text}, {"by_peer", e.by_peer}}};
  }
  wording operator()(const happening::attempt_failed& e) const { return describe_fault(e); }
  wording operator()(const happening::quit&) const { return {"quit", "session ended", {}}; }
  wording operator()(const happening::started& e) const {
    return {"started",
            fmt::format("duplexd {} started with {} session(s) from {}", e.version, e.sessions, e.file),
            {{"version", e.version}, {"file", e.file}, {"sessions", e.sessions}}};
  }
  wording operator()(const happening::stopping& e) const {
    return {"stopping",
            fmt::format("stopping ({}), at most {}", e.why, seconds(e.limit)),
            {{"why", e.why}, {"limit_ms", e.limit.count()}}};
  }
  wording operator()(const happening::reloaded& e) const {
    return {"reloaded",
            fmt::format("configuration reloaded: {} session(s) added, {} removed, {} reconnect, {} change in "
                        "place, {} unchanged",
                        e.added, e.removed, e.reconnect, e.in_place, e.unchanged),
            {{"added", e.added},
             {"removed", e.removed},
             {"reconnect", e.reconnect},
             {"in_place", e.in_place},
             {"unchanged", e.unchanged}}};
  }
  wording operator()(const happening::reload_refused& e) const {
    return {"reload_refused",
            fmt::format("configuration not reloaded, nothing has changed: {}", e.why),
            {{"why", e.why}}};
  }
  wording operator()(const happening::listening& e) const {
    return {"listening",
            fmt::format("{} listens on {}", e.what, e.address),
            {{"what", e.what}, {"address", e.address}}};
  }
  wording operator()(const happening::listen_failed& e) const {
    return {"listen_failed", fmt::format("{} {}", e.what, e.why), {{"what", e.what}, {"why", e.why}}};
  }
  wording operator()(const happening::operated& e) const {
    return {"operated", fmt::format("{} by {}", e.what, e.who), {{"what", e.what}, {"who", e.who}}};
  }
  wording operator()(const happening::output_closed& e) const {
    return {"output_closed",
            fmt::format("output {} failed: {}", e.output, e.why),
            {{"output", e.output}, {"why", e.why}}};
  }
  wording operator()(const happening::output_failed& e) const {
    return {"output_failed",
            fmt::format("output {} failed: {}; events wait, next attempt in {}", e.output, e.why,
                        seconds(e.next)),
            {{"output", e.output}, {"why", e.why}, {"next_ms", e.next.count()}}};
  }
  wording operator()(const happening::output_recovered& e) const {
    return {"output_recovered", fmt::format("output {} works again", e.output), {{"output", e.output}}};
  }
  wording operator()(const happening::commands_failed& e) const {
    return {"commands_failed",
            fmt::format("commands for output {} cannot be received: {}; next attempt in {}", e.output, e.why,
                        seconds(e.next)),
            {{"output", e.output}, {"why", e.why}, {"next_ms", e.next.count()}}};
  }
  wording operator()(const happening::commands_recovered& e) const {
    return {"commands_recovered",
            fmt::format("commands for output {} are received again", e.output),
            {{"output", e.output}}};
  }
  wording operator()(const happening::commands_lost& e) const {
    return {"commands_lost",
            fmt::format("commands for output {} came too fast: {} are lost so far", e.output, e.count),
            {{"output", e.output}, {"count", e.count}}};
  }
  wording operator()(const happening::batch_refused& e) const {
    return {"batch_refused",
            fmt::format("output {}: {}; {} event(s) {}, {} so far", e.output, e.why, e.events,
                        e.is_kept ? "went to the dead letters" : "are lost", e.count),
            {{"output", e.output},
             {"why", e.why},
             {"events", e.events},
             {"count", e.count},
             {"kept", e.is_kept}}};
  }
  wording operator()(const happening::program_said& e) const {
    return {"program_said",
            fmt::format("output {}: {}", e.output, e.line),
            {{"output", e.output}, {"line", e.line}}};
  }
  wording operator()(const happening::events_dropped& e) const {
    return {"events_dropped",
            fmt::format("output {} is too slow: {} event(s) were dropped so far", e.output, e.count),
            {{"output", e.output}, {"count", e.count}}};
  }
  wording operator()(const happening::journal_replaced& e) const {
    return {"journal_replaced",
            fmt::format("the journal cannot be used ({}): it was moved to {}, and a new one was begun", e.why,
                        e.moved_to),
            {{"why", e.why}, {"moved_to", e.moved_to}}};
  }
  wording operator()(const happening::journal_orphans& e) const {
    return {"journal_orphans",
            fmt::format("the journal has {} event(s) for output {}, which is not durable any more; they stay "
                        "until their room is needed",
                        e.count, e.output),
            {{"output", e.output}, {"count", e.count}}};
  }
  wording operator()(const happening::journal_failed& e) const {
    return {"journal_failed",
            fmt::format("the journal failed: {}; events wait, next attempt in {}", e.why, seconds(e.next)),
            {{"why", e.why}, {"next_ms", e.next.count()}}};
  }
  wording operator()(const happening::journal_full& e) const {
    return {"journal_full",
            fmt::format("the journal is full ({} bytes): its sessions are held back until outputs have taken "
                        "events",
                        e.size),
            {{"size", e.size}}};
  }
  wording operator()(const happening::journal_recovered&) const {
    return {"journal_recovered", "the journal takes events again", {}};
  }
  wording operator()(const happening::journal_broken& e) const {
    return {"journal_broken",
            fmt::format("the journal is damaged: {}; the daemon ends, the next start moves it aside", e.why),
            {{"why", e.why}}};
  }
  wording operator()(const happening::descriptors_short& e) const {
    return {"descriptors_short",
            fmt::format("{} sessions, but no more than {} file descriptors: some will not connect; raise "
                        "LimitNOFILE or the hard limit of ulimit -n",
                        e.sessions, e.limit),
            {{"sessions", e.sessions}, {"limit", e.limit}}};
  }
  wording operator()(const happening::cut_short& e) const {
    return {"cut_short",
            fmt::format("ending at once ({}): {} session(s) not closed cleanly", e.why, e.sessions),
            {{"why", e.why}, {"sessions", e.sessions}}};
  }
};

}  // namespace

description describe(const event& what) {
  wording said = std::visit(describer{}, what);
  return {level_of(what), said.name, std::move(said.message), std::move(said.fields)};
}

}  // namespace duplexd
