#include "daemon/session/script/background.hpp"

namespace duplexd {

int background::start(asio::awaitable<flow_ending> work) {
  const int number = next_++;
  tasks_[number];
  group_.spawn(number, std::move(work));
  return number;
}

std::optional<int> background::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

bool background::ended(int number, flow_ending how) {
  task& which = tasks_.at(number);
  which.has_ended = true;
  which.how = std::move(how);
  const bool looked_after = which.waiters > 0;
  changed_.notify();
  forget(number);
  return looked_after;
}

void background::start(const std::string& name, asio::awaitable<flow_ending> work) {
  const auto before = find(name);
  names_[name] = start(std::move(work));
  if (before) forget(*before);
}

void background::release(int number) {
  --at(number).waiters;
  forget(number);
}

// Endings are kept only for those who may still ask for them: by name, or because they wait.
void background::forget(int number) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end() || !found->second.has_ended || found->second.waiters > 0) return;
  for (const auto& [name, known] : names_)
    if (known == number) return;
  tasks_.erase(found);
}

}  // namespace duplexd
