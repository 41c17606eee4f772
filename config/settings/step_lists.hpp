#pragma once

#include <vector>

#include "config/settings/settings.hpp"

namespace duplexd::config {

/// All steps of a session, in the order in which they run: see `for_each_step`. They live as long as the
/// settings.
[[nodiscard]] inline std::vector<const step_list*> step_lists(const session_settings& session) {
  std::vector<const step_list*> all{&session.before};
  if (session.login) all.push_back(&session.login->steps);
  all.push_back(&session.subscribe);
  all.push_back(&session.script);
  for (const handler& each : session.on) all.push_back(&each.body);
  all.push_back(&session.close.steps);
  return all;
}

}  // namespace duplexd::config
