// The handlers of a link: which there are, and how each takes one reply after the other.
#include <algorithm>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include "config/script/match.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/turn_budget.hpp"
#include "daemon/session/script/script_runner.hpp"

namespace duplexd {

using config::fault_class;
using config::resolved;
using nlohmann::ordered_json;

namespace {

flow_result ended_by(fault what) {
  return {.failed = std::move(what)};
}

bool share_a_reply(const config::handler& one, const config::handler& other) {
  return std::ranges::any_of(one.replies, [&](const std::string& each) {
    return std::ranges::find(other.replies, each) != other.replies.end();
  });
}

}  // namespace

void script_runner::adopt_handlers(const std::shared_ptr<const config::session_settings>& next) {
  handlers_.clear();
  std::set<int> current;
  const int first_new = next_handler_;
  for (const config::handler& each : next->on) {
    int id = find_handler(each, current);
    if (id == 0) id = add_handler(each, next);
    current.insert(id);
    for (const std::string& name : each.replies) handlers_[name].add(boxes_.at(id).box);
  }
  for (auto& [id, each] : boxes_) {
    if (current.contains(id) || std::exchange(each.retired, true)) continue;
    each.box.wake();
  }
  // They begin at once, and have to see which are retired.
  for (auto& [id, each] : boxes_)
    if (handles_ && id <= first_new) group_.spawn(id, run_handler(id, each));
  observe();
}

void script_runner::observe() {
  replies_.forget_observers();
  observe_confirmations();
  for (auto& [name, index] : handlers_)
    replies_.observe(name, index.looked_at(), [&index](offered_reply& reply) { index.offer(reply); });
}

/// The number of the one that has not changed; 0: it is new.
int script_runner::find_handler(const config::handler& rule, const std::set<int>& taken) const {
  const auto found = std::ranges::find_if(boxes_, [&](const auto& each) {
    const auto& [id, known] = each;
    return rule.digest != 0 && known.box.rule().digest == rule.digest && !known.retired &&
           !taken.contains(id);
  });
  return found == boxes_.end() ? 0 : found->first;
}

int script_runner::add_handler(const config::handler& rule,
                               const std::shared_ptr<const config::session_settings>& of) {
  const int id = next_handler_--;
  const auto made = boxes_.try_emplace(id, context_.loop, rule, of, shared_.budget, context_.safe).first;
  mailbox& box = made->second.box;
  if (only_sets(rule))
    box.on_offer([this, id, &box](const kept_reply& letter) { return set_at_once(id, box, letter); });
  return id;
}

/// Whether one that it replaces has not come to its end.
bool script_runner::has_predecessor(int id) const {
  const config::handler& rule = boxes_.at(id).box.rule();
  return std::ranges::any_of(boxes_, [&](const auto& each) {
    return each.first > id && each.second.retired && share_a_reply(each.second.box.rule(), rule);
  });
}

void script_runner::remove_handler(int id) {
  boxes_.erase(id);
  handler_ended_.notify();
}

void script_runner::adopt_limits(const config::limit_settings& limits) {
  shared_.limits = limits;
  shared_.budget->limit(limits.inbox);
}

void script_runner::observe_confirmations() {
  std::map<std::string, field_list> confirming;
  for (const auto& [name, command] : settings_.commands) {
    if (!command.confirm) continue;
    field_list fields;
    fields.add_all_of(command.confirm->where.unresolved());
    for (const auto& [ours, theirs] : command.confirm->correlate) fields.add(theirs);
    for (const std::string& reply : command.confirm->replies) confirming[reply].add_all_of(fields);
  }
  for (const auto& [reply, fields] : confirming)
    replies_.observe(reply, fields,
                     [this](offered_reply& each) { outbox_.see(each.name(), each.fields(), each.json()); });
}

asio::awaitable<flow_result> script_runner::run_handler(int id, handling& which) {
  mailbox& box = which.box;
  turn_budget turn{context_.time};
  bool stopped = co_await cancelled();
  while (!stopped && has_predecessor(id)) {
    co_await handler_ended_.wait();
    stopped = co_await cancelled();
  }
  while (!stopped && !(which.retired && box.empty())) {
    if (kept_reply letter = box.take()) {
      ++shared_.progress.replies;
      turn.spend(letter->size());
      flow steps{shared_, std::move(letter)};
      steps.hold(which.held);
      resolved<ordered_json> where;
      if (box.depends()) where = box.rule().where.resolve(&steps);
      if (!where) co_return ended_by({.kind = fault_class::script, .cause = where.error});
      if (!box.depends() || (steps.reply() != nullptr && config::matches(*steps.reply(), where.value))) {
        flow_result how = co_await steps.run(box.rule().body);
        if (how.ends_flow()) co_return how;
      }
      if (turn.is_over()) {
        co_await asio::post(context_.loop, asio::deferred);
        turn.begin();
      }
    } else {
      if (box.is_held())
        co_await context_.safe->wait_committed();
      else
        co_await box.wait();
      turn.begin();
    }
    stopped = co_await cancelled();
  }
  co_return flow_result{};
}

// Whether all that a handler does is to set variables, a durable one among them.
bool script_runner::only_sets(const config::handler& rule) const {
  bool keeps = false;
  for (const config::script_step& each : rule.body) {
    const auto* sets = std::get_if<config::set_step>(&each.action);
    if (sets == nullptr || each.timeout || each.on_fault || each.finally || !each.save.empty()) return false;
    for (const auto& [name, value] : sets->values.unresolved().items())
      keeps = keeps || shared_.values.is_durable(name);
  }
  return keeps && rule.after == config::handler_time::arrival;
}

// In the turn in which the reply's event was given to the outputs: both are in one commit of the journal.
// What fails is left to the handler's own coroutine, whose fault ends the link.
bool script_runner::set_at_once(int id, const mailbox& box, const kept_reply& letter) {
  if (has_predecessor(id)) return false;
  flow steps{shared_, letter};
  if (box.depends()) {
    const auto where = box.rule().where.resolve(&steps);
    if (!where || steps.reply() == nullptr) return false;
    if (!config::matches(*steps.reply(), where.value)) return true;
  }
  if (!steps.set_at_once(box.rule().body)) return false;
  ++shared_.progress.replies;
  return true;
}

}  // namespace duplexd
