// The steps of a flow that run others beside it.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/async/cancelled.hpp"
#include "daemon/script/flow.hpp"

namespace duplexd {

using nlohmann::ordered_json;

asio::awaitable<flow_ending> flow::branch(std::shared_ptr<flow> self, const config::step_list& steps) {
  co_return co_await self->run(steps);
}

asio::awaitable<flow_ending> flow::branch(const config::step_list& steps) const {
  return branch(std::make_shared<flow>(*this), steps);
}

asio::awaitable<flow_ending> flow::act(const config::gather_step& step) {
  task_group<flow_ending> group{shared_.around.loop};
  for (std::size_t i = 0; i < step.branches.size(); ++i)
    group.spawn(static_cast<int>(i), branch(step.branches[i]));
  flow_ending how;
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

asio::awaitable<flow_ending> flow::act(const config::race_step& step) {
  task_group<flow_ending> group{shared_.around.loop};
  for (std::size_t i = 0; i < step.branches.size(); ++i)
    group.spawn(static_cast<int>(i), branch(step.branches[i]));
  auto first = co_await group.next();
  co_await group.join();
  if (!first.how.ends_flow())
    first.how.result = {{"first", first.id}, {"result", std::move(first.how.result)}};
  co_return std::move(first.how);
}

asio::awaitable<flow_ending> flow::act(const config::spawn_step& step) {
  shared_.tasks->start(step.task, branch(step.body));
  co_return flow_ending{};
}

asio::awaitable<flow_ending> flow::act(const config::cancel_step& step) {
  const auto number = shared_.tasks->find(step.task);
  if (!number) co_return flow_ending{};
  background::task& task = shared_.tasks->at(*number);
  ++task.waiters;
  shared_.tasks->cancel(*number);
  bool go_on = true;
  while (go_on && !task.has_ended) go_on = co_await shared_.tasks->wait();
  --task.waiters;
  co_return flow_ending{};
}

// As asyncio.wait: what has not ended goes on in the background, and faults are results.
asio::awaitable<flow_ending> flow::act(const config::wait_step& step) {
  std::vector<background::task*> tasks;
  for (const std::string& name : step.tasks) {
    const auto number = shared_.tasks->find(name);
    if (!number) co_return flow_ending{.failed = mishap(fmt::format("the task {} was not started", name))};
    tasks.push_back(&shared_.tasks->at(*number));
  }
  for (const config::step_list& body : step.branches)
    tasks.push_back(&shared_.tasks->at(shared_.tasks->start(branch(body))));
  for (background::task* each : tasks) ++each->waiters;
  const auto enough = [&] {
    const auto has_ended = [](const background::task* each) { return each->has_ended; };
    const auto has_failed = [](const background::task* each) { return each->has_ended && each->how.failed; };
    if (std::ranges::all_of(tasks, has_ended)) return true;
    if (step.until == config::wait_until::first) return std::ranges::any_of(tasks, has_ended);
    return step.until == config::wait_until::first_error && std::ranges::any_of(tasks, has_failed);
  };
  bool go_on = true;
  while (go_on && !enough()) go_on = co_await shared_.tasks->wait();
  flow_ending how;
  how.result = ordered_json::array();
  for (background::task* each : tasks) {
    --each->waiters;
    if (each->how.reconnect) how.reconnect = each->how.reconnect;
    ordered_json fault_text;
    if (each->how.failed) fault_text = each->how.failed->cause;
    how.result.push_back({{"done", each->has_ended}, {"fault", fault_text}, {"result", each->how.result}});
  }
  co_return how;
}

}  // namespace duplexd
