#pragma once

#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/runtime/clock.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd {

/// Watches that some replies come again and again. Pure: time comes in as an argument.
class freshness {
 public:
  freshness(const std::vector<config::freshness_settings>& rules, const protocol::protocol& types);

  /// From now on replies are expected.
  void start(clock::time_point now);

  /// Other rules from now on, each with its whole time.
  void adopt(const std::vector<config::freshness_settings>& rules, const protocol::protocol& types,
             clock::time_point now);

  /// Replies come by another protocol from now on. Each rule's time goes on.
  void adopt(const protocol::protocol& types);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  /// A reply of that type has come.
  void seen(const protocol::message_type* type, clock::time_point now) {
    for (entry& each : entries_)
      if (each.type == type) each.due = now + each.rule.within;
  }

  /// The rules whose time has run out, each once for each time that it does.
  std::vector<const config::freshness_settings*> run_out(clock::time_point now);

  /// When `run_out` may have something next.
  [[nodiscard]] clock::time_point check_at() const;

 private:
  struct entry {
    config::freshness_settings rule;
    const protocol::message_type* type;
    clock::time_point due = clock::time_point::max();
  };
  std::vector<entry> entries_;
  bool started_ = false;
};

}  // namespace duplexd
