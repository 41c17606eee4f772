#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/runtime/notifier.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/session/script/flow_result.hpp"

namespace duplexd {

/// The tasks that steps start in the background of one link. They are children of whoever runs the script: it
/// takes their endings. A fault of a task for which a step waits is that step's; any other ends the link
/// unless it is to be kept.
class task_registry {
 public:
  /// What a task is started as.
  struct identity {
    std::string name{};                   ///< empty: none
    std::vector<std::uint64_t> limits{};  ///< the steps with a time limit that it was started in
    bool keeps_fault = false;             ///< a fault that nobody waits for does not end the link
  };
  struct task {
    bool has_ended = false;
    unsigned waiters = 0;
    flow_result how{};
    identity who{};
  };

  task_registry(const asio::any_io_executor& loop, task_group<flow_result>& group)
      : group_(group), changed_(loop) {}

  /// Starts a task now and returns its number. A later one of the same name takes it over.
  int start(identity who, asio::awaitable<flow_result> work);

  /// The number of the task that has the name; empty: it was not started on this link.
  [[nodiscard]] std::optional<int> find(const std::string& name) const;

  /// Tasks that run: all that were started under the name; all that a step with a time limit started.
  [[nodiscard]] std::vector<int> running(const std::string& name) const;
  [[nodiscard]] std::vector<int> running(std::uint64_t limit) const;

  [[nodiscard]] task& at(int number) { return tasks_.at(number); }
  [[nodiscard]] bool knows(int number) const { return tasks_.contains(number); }

  /// While a step waits for a task its ending is kept, and its faults are the step's.
  void hold(int number) { ++at(number).waiters; }
  void release(int number);

  [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }

  void cancel(int number) { group_.cancel(number); }

  /// Cancels tasks and waits until all have ended, or the caller is cancelled.
  asio::awaitable<void> end(std::vector<int> numbers);

  /// The owner took the ending of a task. True: a step looks after it, or its fault is kept.
  bool ended(int number, flow_result how);

  /// Suspends until some task ends. False when cancelled.
  asio::awaitable<bool> wait() { return changed_.wait(); }

 private:
  void forget(int number);

  task_group<flow_result>& group_;
  std::map<int, task> tasks_;
  std::map<std::string, int> names_;
  int next_ = 1'000;  ///< below: the owner's own children
  notifier changed_;
};

}  // namespace duplexd
