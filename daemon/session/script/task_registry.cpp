#include "daemon/session/script/task_registry.hpp"

#include <algorithm>

namespace duplexd {

int task_registry::start(identity who, asio::awaitable<flow_result> work) {
  const int number = next_++;
  task& made = tasks_[number];
  made.who = std::move(who);
  if (!made.who.name.empty()) {
    const auto before = find(made.who.name);
    names_[made.who.name] = number;
    if (before) forget(*before);
  }
  group_.spawn(number, std::move(work));
  return number;
}

std::optional<int> task_registry::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

bool task_registry::ended(int number, flow_result how) {
  task& which = tasks_.at(number);
  which.has_ended = true;
  which.how = std::move(how);
  const bool looked_after = which.waiters > 0 || (which.how.failed && which.who.keeps_fault);
  changed_.notify();
  forget(number);
  return looked_after;
}

std::vector<int> task_registry::running(const std::string& name) const {
  std::vector<int> found;
  for (const auto& [number, each] : tasks_)
    if (!each.has_ended && each.who.name == name) found.push_back(number);
  return found;
}

std::vector<int> task_registry::running(std::uint64_t limit) const {
  std::vector<int> found;
  for (const auto& [number, each] : tasks_)
    if (!each.has_ended && std::ranges::find(each.who.limits, limit) != each.who.limits.end())
      found.push_back(number);
  return found;
}

asio::awaitable<void> task_registry::end(std::vector<int> numbers) {
  for (const int each : numbers) hold(each);
  for (const int each : numbers) cancel(each);
  const auto is_over = [this](int each) { return at(each).has_ended; };
  bool go_on = true;
  while (go_on && !std::ranges::all_of(numbers, is_over)) go_on = co_await wait();
  for (const int each : numbers) release(each);
}

void task_registry::release(int number) {
  --at(number).waiters;
  forget(number);
}

// Endings are kept only for those who may still ask for them: by name, or because they wait.
void task_registry::forget(int number) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end() || !found->second.has_ended || found->second.waiters > 0) return;
  for (const auto& [name, known] : names_)
    if (known == number) return;
  tasks_.erase(found);
}

}  // namespace duplexd
