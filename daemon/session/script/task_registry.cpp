#include "daemon/session/script/task_registry.hpp"

namespace duplexd {

int task_registry::start(asio::awaitable<flow_result> work) {
  const int number = next_++;
  tasks_[number];
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
  const bool looked_after = which.waiters > 0;
  changed_.notify();
  forget(number);
  return looked_after;
}

void task_registry::start(const std::string& name, asio::awaitable<flow_result> work) {
  const auto before = find(name);
  names_[name] = start(std::move(work));
  if (before) forget(*before);
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
