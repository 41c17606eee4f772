// What a link watches in the replies themselves: numbers that count up, and times.
#include <fmt/format.h>

#include <utility>

#include "daemon/session/active_link.hpp"

namespace duplexd {

namespace {

using std::chrono::milliseconds;

milliseconds rounded(std::chrono::nanoseconds time) {
  return std::chrono::round<milliseconds>(time);
}

}  // namespace

void active_link::observe_watched() {
  for (const auto& [reply, fields] : sequences_.looked_at())
    replies_.observe(reply, fields, [this](offered_reply& each) { see_sequences(each); });
  const auto& lag = lag_.rule();
  if (!lag) return;
  field_list fields;
  fields.add(lag->field);
  replies_.observe(lag->reply, fields, [this](offered_reply& each) { see_lag(each); });
}

std::optional<fault> active_link::act_on(config::liveness_action action, std::string cause) {
  if (action == config::liveness_action::reconnect)
    return fault{.kind = config::fault_class::liveness, .cause = std::move(cause)};
  if (action == config::liveness_action::resubscribe) script_.resubscribe();
  return std::nullopt;
}

void active_link::see_sequences(offered_reply& reply) {
  const auto gaps = sequences_.see(reply.name(), reply.fields());
  if (sequences_.overflowed())
    context_.telemetry.record(
        settings_->name,
        happening::limit_reached{"limits.sequences", "a new key of liveness.sequence is not watched"});
  for (const sequence_gap& gap : gaps) {
    const std::string key = gap.key.empty() ? "" : gap.key.dump();
    context_.telemetry.record(settings_->name,
                              happening::sequence_broken{reply.name(), gap.rule->field, key, gap.expected,
                                                         gap.found, gap.over_links});
    nlohmann::ordered_json fields{{"reply", reply.name()},
                                  {"field", gap.rule->field},
                                  {"key", gap.key},
                                  {"expected", gap.expected},
                                  {"found", gap.found}};
    if (gap.over_links) fields["over_connections"] = true;
    const std::string_view line = gap_line_.note(receiver_.time(), "gap", fields);
    outputs_.emit({.what = session_event::kind::note,
                   .session = settings_->name,
                   .time = receiver_.time(),
                   .name = "gap",
                   .line = line});
    if (gap.over_links) continue;  // a new link is what the rule could ask for
    auto cause = fmt::format("gap in {}.{}: expected {}, found {}", reply.name(), gap.rule->field,
                             gap.expected.dump(), gap.found.dump());
    if (auto failed = act_on(gap.rule->action, std::move(cause))) {
      broken_ = std::move(failed);
      watch_again_.notify();
    }
  }
}

// What waited for outputs or handlers of ours is counted, but says nothing of the server.
void active_link::see_lag(offered_reply& reply) {
  const auto& rule = lag_.rule();
  if (!rule) return;
  const auto& limit = live_->liveness.lag;
  std::optional<milliseconds> at_most;
  if (limit && !receiver_.has_waited()) at_most = limit->at_most;
  const lag_news news = lag_.see(reply.fields(), context_.time.wall().time_since_epoch(), at_most);
  const auto tell = [this](const event& what) { context_.telemetry.record(settings_->name, what); };
  if (news.is_unusable) tell(happening::event_time_unusable{rule->reply, rule->field});
  if (news.ahead.count() > 0)
    tell(happening::event_time_ahead{rule->reply, rule->field, rounded(news.ahead)});
  if (news.is == lag_news::change::in_time) tell(happening::events_in_time{rule->reply, rounded(news.age)});
  if (news.is != lag_news::change::late || !limit) return;
  tell(happening::events_late{rule->reply, rounded(news.age), limit->at_most});
  auto cause = fmt::format("the newest event of {} is {:.3f} s old", rule->reply,
                           std::chrono::duration<double>(news.age).count());
  if (auto failed = act_on(limit->action, std::move(cause))) {
    broken_ = std::move(failed);
    watch_again_.notify();
  }
}

}  // namespace duplexd
