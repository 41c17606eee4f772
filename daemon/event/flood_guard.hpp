#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/event/events.hpp"
#include "daemon/link/token_bucket.hpp"

namespace duplexd {

/// Keeps a server that sends nothing but nonsense from filling the log: of each warning a session may write
/// `burst` at once and then one each `spacing`. What is held back is counted, and the count is said before
/// the next one of its kind, or when the link ends. Pure.
class flood_guard {
 public:
  static constexpr unsigned burst = 5;
  static constexpr std::chrono::seconds spacing{10};
  using time_point = std::chrono::steady_clock::time_point;

  /// Whether this warning, `name` as in its description, may be written at `now`.
  bool admits(std::string_view session, std::string_view name, time_point now);

  /// What was held back since it was last asked: of one warning, or of all that the session has.
  std::vector<happening::held_back> take_held_back(std::string_view session, std::string_view name = {});

 private:
  struct count {
    token_bucket turns{spacing, burst};
    std::size_t held_back = 0;
  };
  std::map<std::pair<std::string, std::string>, count> counts_;
};

}  // namespace duplexd
