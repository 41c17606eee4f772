#include "daemon/session/script/flow.hpp"

#include <fmt/format.h>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

using config::fault_class;
using config::script_step;
using nlohmann::ordered_json;

namespace {

flow_result ended_by(fault what) {
  return {.failed = std::move(what)};
}

// Whose results may be secrets.
bool gives_tokens(const script_step& step) {
  return std::holds_alternative<config::http_step>(step.action) ||
         std::holds_alternative<config::exec_step>(step.action) ||
         std::holds_alternative<config::pbkdf2_step>(step.action);
}

// The first time after `last`, in whole intervals, that has not passed.
clock::time_point next_on_grid(clock::time_point last, clock::duration interval, clock::time_point now) {
  const clock::time_point next = last + interval;
  if (next >= now) return next;
  const auto missed = (now - next + interval - clock::duration{1}) / interval;
  return next + missed * interval;
}

std::shared_ptr<const ordered_json> values_of_fault(const fault& what) {
  ordered_json values{{"class", config::name_of(what.kind)}, {"text", what.cause}, {"status", nullptr}};
  if (what.http_status) values["status"] = *what.http_status;
  values["line"] = what.place ? what.place->line : 0;
  return std::make_shared<const ordered_json>(std::move(values));
}

// A long text from outside is likely to be a token; a shorter one is an id or a name. It may stand anywhere
// in what is saved, however deep.
void take_tokens(config::scope& to, const ordered_json& value) {
  constexpr std::size_t shortest_token = 16;
  for (std::vector<const ordered_json*> left{&value}; !left.empty();) {
    const ordered_json& next = *left.back();
    left.pop_back();
    if (next.is_structured())
      for (const auto& each : next) left.push_back(&each);
    const auto* text = next.get_ptr<const std::string*>();
    if (text != nullptr && text->size() >= shortest_token) to.take_secret(*text, config::secret_origin::read);
  }
}

}  // namespace

flow::flow(flow_context& shared) : shared_(shared) {
  if (shared.replies != nullptr) mark_.count_from_here(*shared.replies);
}

flow::flow(flow_context& shared, kept_reply message) : flow(shared) {
  message_ = std::move(message);
}

flow::flow(const flow& parent)
    : scope(),
      shared_(parent.shared_),
      reply_(parent.reply_),
      message_(parent.message_),
      held_(parent.held_),
      charge_(parent.charge_),
      mark_(parent.mark_),
      caught_(parent.caught_),
      limits_(parent.limits_),
      blame_(parent.blame_) {}

const ordered_json* flow::variable(std::string_view name) const {
  return shared_.values.find(name);
}

const ordered_json* flow::reply() const {
  if (!reply_ && message_) reply_ = message_->values();
  return reply_.get();
}

std::chrono::system_clock::time_point flow::wall() const {
  return shared_.context.time.wall();
}

std::uint64_t flow::count(std::string_view name) {
  return shared_.values.count(name);
}

std::uint64_t flow::count_of_link(std::string_view name) {
  return shared_.values.count_of_link(name);
}

void flow::take_secret(std::string_view value, config::secret_origin from) {
  if (shared_.context.secrets) shared_.context.secrets->take(value, from);
}

fault flow::blamed(std::string cause) const {
  return fault{.kind = blame_, .cause = std::move(cause)};
}

fault flow::mishap(std::string cause, fault_reason reason) const {
  const bool is_login = blame_ == fault_class::login_rejected;
  return fault{.kind = is_login ? fault_class::script : blame_, .reason = reason, .cause = std::move(cause)};
}

asio::awaitable<void> flow::leave_turn() {
  work_in_turn_ = 0;
  co_await asio::post(shared_.context.loop, asio::use_awaitable);
}

asio::awaitable<flow_result> flow::run(std::span<const script_step> steps) {
  flow_result last;
  bool stopped = co_await cancelled();
  while (!stopped) {
    steps = steps.subspan(send_at_once(steps));  // no wait, no coroutine
    if (work_in_turn_ >= work_a_turn) {
      co_await leave_turn();
      stopped = co_await cancelled();
      continue;
    }
    if (steps.empty()) break;
    work_in_turn_ += work_of_step;
    ++shared_.progress.steps;
    flow_result how = co_await perform(steps.front());
    if (how.ends_flow()) co_return how;
    if (!how.result.is_null()) last.result = std::move(how.result);
    steps = steps.subspan(1);
    stopped = co_await cancelled();
  }
  co_return last;
}

asio::awaitable<flow_result> flow::perform(const script_step& step) {
  flow_result how = co_await attempt(step);
  if (step.finally) co_await clean_up(*step.finally, how);
  co_return how;
}

// A fault of the step comes before one of its cleanup.
asio::awaitable<void> flow::clean_up(const config::step_list& steps, flow_result& how) const {
  const bool stopped = co_await cancelled();
  task_group<flow_result> group{shared_.context.loop};
  group.spawn(0, shielded(std::make_shared<flow>(*this), steps));
  co_await group.join();
  auto last = co_await group.next();
  if (stopped || how.ends_flow() || !last.how.ends_flow()) co_return;
  how = std::move(last.how);
}

// Whoever asks the step to end: its cleanup goes on, within its limit.
asio::awaitable<flow_result> flow::shielded(std::shared_ptr<flow> self, const config::step_list& steps) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const session_context& context = self->shared_.context;
  const auto limit = self->shared_.settings.timeouts.cleanup;
  auto work = branch(self, steps);
  auto how = co_await within(context.loop, context.time, context.time.now() + limit, std::move(work));
  if (how) co_return std::move(*how);
  const std::string why =
      fmt::format("'finally' took longer than {} s", static_cast<double>(limit.count()) / 1000.0);
  context.telemetry.record(self->shared_.settings.name, happening::limit_reached{"timeouts.cleanup", why});
  co_return ended_by(self->mishap(why));
}

asio::awaitable<flow_result> flow::attempt(const script_step& step) {
  flow_result how;
  if (step.timeout)
    how = co_await limited(step, *step.timeout);
  else
    how = co_await dispatch(step);
  const bool stopped = co_await cancelled();
  if (!how.ends_flow() && !stopped)
    if (auto failed = save(step, how.result)) how.failed = std::move(failed);
  if (!how.failed) co_return how;
  if (!how.failed->place)
    how.failed->place = fault_place{shared_.settings.file_of(step.where), step.where.line};
  if (!step.on_fault) co_return how;
  const auto before = std::exchange(caught_, values_of_fault(*how.failed));
  how = co_await run(*step.on_fault);
  caught_ = before;
  co_return how;
}

// The step is cancelled when its time is over, and so are the tasks that were started in it.
asio::awaitable<flow_result> flow::limited(const script_step& step,
                                           const config::duration_template& timeout) {
  const auto limit = timeout.resolve(this);
  if (!limit) co_return ended_by(mishap(limit.error));
  const auto deadline = shared_.context.time.now() + limit.value;
  const std::uint64_t number = ++shared_.limited_steps;
  limits_.push_back(number);
  auto work = dispatch(step);
  auto how = co_await within(shared_.context.loop, shared_.context.time, deadline, std::move(work));
  limits_.pop_back();
  if (how) co_return std::move(*how);
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  if (shared_.tasks != nullptr) {
    auto started = shared_.tasks->running(number);
    co_await shared_.tasks->end(std::move(started));
  }
  co_return ended_by(mishap(
      fmt::format("the step took longer than {} s", static_cast<double>(limit.value.count()) / 1000.0)));
}

asio::awaitable<flow_result> flow::dispatch(const script_step& step) {
  return std::visit([this](const auto& action) { return execute(action); }, step.action);
}

std::optional<fault> flow::save(const script_step& step, const ordered_json& result) {
  for (const auto& [variable, path] : step.save) {
    const ordered_json* found = config::find_path(result, path);
    if (found == nullptr) return mishap(fmt::format("the result has no {} to save as {}", path, variable));
    if (gives_tokens(step)) take_tokens(*this, *found);
    if (auto failed = set(variable, *found)) return failed;
  }
  return std::nullopt;
}

std::optional<fault> flow::set(const std::string& variable, ordered_json value) {
  const auto& limits = shared_.limits;
  switch (shared_.values.set(variable, std::move(value))) {
    case variables::outcome::too_many_bytes:
      return mishap(
          fmt::format("{} not saved: the variables would take more than {} bytes (limits.variables)",
                      variable, limits.variables));
    case variables::outcome::too_many_durable_bytes:
      return mishap(fmt::format(
          "{} not saved: the durable variables would take more than {} bytes (limits.durable_variables)",
          variable, limits.durable_variables));
    case variables::outcome::done:
      break;
  }
  return std::nullopt;
}

// The condition names variables, `reply.FIELD`, and `fault.FIELD`.
bool flow::holds(const config::json_template& condition, std::optional<fault>& failed) {
  const auto wanted = condition.resolve(this);
  if (!wanted) {
    failed = mishap(wanted.error);
    return false;
  }
  ordered_json known = ordered_json::object();
  config::for_each_condition(wanted.value, [&](const std::string& path, const auto&) {
    const std::string name = path.substr(0, path.find('.'));
    if (const auto* variable = shared_.values.find(name)) known[name] = *variable;
  });
  if (const ordered_json* last = reply()) known["reply"] = *last;
  if (caught_) known["fault"] = *caught_;
  return config::matches(known, wanted.value);
}

asio::awaitable<flow_result> flow::execute(const config::sleep_step& step) {
  const auto time = step.time.resolve(this);
  if (!time) co_return ended_by(mishap(time.error));
  co_await shared_.context.time.sleep_for(time.value);
  co_return flow_result{};
}

asio::awaitable<flow_result> flow::execute(const config::set_step& step) {
  auto values = step.values.resolve(this);
  if (!values) co_return ended_by(mishap(values.error));
  for (auto& [name, value] : values.value.items())
    if (auto failed = set(name, std::move(value))) co_return ended_by(std::move(*failed));
  co_return flow_result{};
}

bool flow::set_at_once(std::span<const script_step> steps) {
  for (const script_step& each : steps) {
    auto values = std::get<config::set_step>(each.action).values.resolve(this);
    if (!values) return false;
    for (auto& [name, value] : values.value.items())
      if (set(name, std::move(value))) return false;
  }
  shared_.progress.steps += steps.size();
  return true;
}

asio::awaitable<flow_result> flow::execute(const config::if_step& step) {
  std::optional<fault> failed;
  const bool yes = holds(step.condition, failed);
  if (failed) co_return ended_by(std::move(*failed));
  co_return co_await run(yes ? step.then : step.otherwise);
}

asio::awaitable<flow_result> flow::execute(const config::repeat_step& step) {
  flow_result how;
  for (std::uint64_t round = 0; step.times == 0 || round < step.times; ++round) {
    if (!step.variable.empty())
      if (auto failed = set(step.variable, round)) co_return ended_by(std::move(*failed));
    const std::size_t sent = send_at_once(step.body);
    if (sent != 0 && sent == step.body.size() && !step.until) continue;
    how = co_await run(std::span(step.body).subspan(sent));
    work_in_turn_ += work_of_step;
    if (work_in_turn_ >= work_a_turn) co_await leave_turn();
    const bool stopped = co_await cancelled();
    if (how.ends_flow() || stopped) break;
    if (!step.until) continue;
    std::optional<fault> failed;
    const bool enough = holds(*step.until, failed);
    if (failed) co_return ended_by(std::move(*failed));
    if (enough) break;
  }
  co_return how;
}

asio::awaitable<flow_result> flow::execute(const config::each_step& step) {
  auto list = step.list.resolve(this);
  if (!list) co_return ended_by(mishap(list.error));
  if (!list.value.is_array())
    co_return ended_by(
        mishap(fmt::format("for_each: expected a list, found {}", protocol::kind_of(list.value))));
  flow_result how;
  for (ordered_json& element : list.value) {
    if (auto failed = set(step.variable, std::move(element))) co_return ended_by(std::move(*failed));
    how = co_await run(step.body);
    work_in_turn_ += work_of_step;
    if (work_in_turn_ >= work_a_turn) co_await leave_turn();
    const bool stopped = co_await cancelled();
    if (how.ends_flow() || stopped) break;
  }
  co_return how;
}

// Rounds keep to their schedule; those that a long round runs into are left out, and the next one is on the
// schedule again. Each starts from the reply that was the last one when the first did.
asio::awaitable<flow_result> flow::execute(const config::every_step& step) {
  auto due = shared_.context.time.now();
  const auto reply = reply_;
  for (;;) {
    reply_ = reply;
    const auto interval = step.interval.resolve(this);
    if (!interval) co_return ended_by(mishap(interval.error));
    if (interval.value.count() <= 0) co_return ended_by(mishap("every: the interval is not positive"));
    const double share = step.jitter * (2 * shared_.context.random() - 1);
    const auto shift = std::chrono::duration_cast<clock::duration>(interval.value * share);
    due = next_on_grid(due, interval.value, shared_.context.time.now());
    co_await shared_.context.time.sleep_until(due + shift);
    const bool stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    flow_result how = co_await run(step.body);
    if (how.ends_flow()) co_return how;
  }
}

asio::awaitable<flow_result> flow::execute(const config::fail_step& step) {
  const auto why = step.why.resolve(this);
  co_return ended_by(why ? blamed(why.value) : mishap(why.error));
}

asio::awaitable<flow_result> flow::execute(const config::reconnect_step& step) {
  const auto why = step.why.resolve(this);
  co_return flow_result{.reconnect = why ? why.value : why.error};
}

}  // namespace duplexd
