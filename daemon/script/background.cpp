#include "daemon/script/background.hpp"

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
  return looked_after;
}

}  // namespace duplexd
