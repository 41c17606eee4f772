// The steps of a flow that run others beside it.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/script/flow.hpp"

namespace duplexd {

using nlohmann::ordered_json;

asio::awaitable<flow_result> flow::branch(std::shared_ptr<flow> self, const config::step_list& steps) {
  co_return co_await self->run(steps);
}

asio::awaitable<flow_result> flow::branch(const config::step_list& steps) const {
  return branch(std::make_shared<flow>(*this), steps);
}

asio::awaitable<flow_result> flow::execute(const config::gather_step& step) {
  if (step.others_continue) co_return co_await gather_tasks(step);
  task_group<flow_result> group{shared_.context.loop};
  for (std::size_t i = 0; i < step.branches.size(); ++i)
    group.spawn(static_cast<int>(i), branch(step.branches[i]));
  flow_result how;
  how.result = ordered_json(step.branches.size(), nullptr);
  for (std::size_t left = step.branches.size(); left > 0; --left) {
    auto next = co_await group.next();
    if (next.how.ends_flow()) {
      how = std::move(next.how);
      break;
    }
    how.result[static_cast<std::size_t>(next.id)] = std::move(next.how.result);
  }
  co_await group.join();
  co_return how;
}

// As asyncio.gather: after a fault the others go on in the background, and they end only with the step
// itself.
asio::awaitable<flow_result> flow::gather_tasks(const config::gather_step& step) {
  task_registry& tasks = *shared_.tasks;
  std::vector<int> numbers;
  for (const config::step_list& body : step.branches) {
    task_registry::identity who{"", limits_, true};
    numbers.push_back(tasks.start(std::move(who), branch(body)));
    tasks.hold(numbers.back());
  }
  const auto is_over = [&](int each) { return tasks.at(each).has_ended; };
  const auto has_failed = [&](int each) { return is_over(each) && tasks.at(each).how.ends_flow(); };
  bool go_on = true;
  while (go_on && !std::ranges::all_of(numbers, is_over) && std::ranges::none_of(numbers, has_failed))
    go_on = co_await tasks.wait();
  flow_result how;
  how.result = ordered_json::array();
  for (const int each : numbers) {
    const flow_result& ended = tasks.at(each).how;
    if (ended.ends_flow() && !how.ends_flow()) how = ended;
    if (!how.ends_flow()) how.result.push_back(ended.result);
  }
  for (const int each : numbers) {
    if (!go_on) tasks.cancel(each);
    tasks.release(each);
  }
  co_return how;
}

asio::awaitable<flow_result> flow::execute(const config::race_step& step) {
  task_group<flow_result> group{shared_.context.loop};
  for (std::size_t i = 0; i < step.branches.size(); ++i)
    group.spawn(static_cast<int>(i), branch(step.branches[i]));
  auto first = co_await group.next();
  co_await group.join();
  if (!first.how.ends_flow())
    first.how.result = {{"first", first.id}, {"result", std::move(first.how.result)}};
  co_return std::move(first.how);
}

asio::awaitable<flow_result> flow::execute(const config::spawn_step& step) {
  const auto limit = shared_.limits.tasks;
  if (shared_.tasks->size() >= limit)
    shared_.context.telemetry.record(
        shared_.settings.name,
        happening::limit_reached{"limits.tasks", fmt::format("spawn waits: {} tasks are running", limit)});
  while (shared_.tasks->size() >= limit) {
    const bool go_on = co_await shared_.tasks->wait();
    if (!go_on) co_return flow_result{};
  }
  auto child = std::make_shared<flow>(*this);
  if (message_ && !charge_)
    child->charge_ = std::make_shared<const reply_charge>(shared_.budget, message_->size());
  task_registry::identity who{step.task, limits_, step.keeps_fault};
  shared_.tasks->start(std::move(who), branch(std::move(child), step.body));
  co_return flow_result{};
}

asio::awaitable<flow_result> flow::execute(const config::cancel_step& step) {
  auto named = shared_.tasks->running(step.task);
  co_await shared_.tasks->end(std::move(named));
  co_return flow_result{};
}

// As asyncio.wait: what has not ended goes on in the background, and faults are results.
asio::awaitable<flow_result> flow::execute(const config::wait_step& step) {
  std::vector<int> numbers;
  for (const std::string& name : step.tasks) {
    const auto number = shared_.tasks->find(name);
    if (!number) co_return flow_result{.failed = mishap(fmt::format("the task {} was not started", name))};
    numbers.push_back(*number);
  }
  for (const config::step_list& body : step.branches) {
    task_registry::identity who{"", limits_};
    numbers.push_back(shared_.tasks->start(std::move(who), branch(body)));
  }
  for (const int each : numbers) shared_.tasks->hold(each);
  const auto has_ended = [this](int each) { return shared_.tasks->at(each).has_ended; };
  const auto has_failed = [&](int each) { return has_ended(each) && shared_.tasks->at(each).how.failed; };
  const auto enough = [&] {
    if (std::ranges::all_of(numbers, has_ended)) return true;
    if (step.until == config::wait_until::first) return std::ranges::any_of(numbers, has_ended);
    return step.until == config::wait_until::first_error && std::ranges::any_of(numbers, has_failed);
  };
  bool go_on = true;
  while (go_on && !enough()) go_on = co_await shared_.tasks->wait();
  flow_result how;
  how.result = ordered_json::array();
  for (const int each : numbers) {
    const task_registry::task& task = shared_.tasks->at(each);
    if (task.how.reconnect) how.reconnect = task.how.reconnect;
    ordered_json fault_text;
    if (task.how.failed) fault_text = text_of(*task.how.failed);
    how.result.push_back({{"done", task.has_ended}, {"fault", fault_text}, {"result", task.how.result}});
    shared_.tasks->release(each);
  }
  co_return how;
}

}  // namespace duplexd
