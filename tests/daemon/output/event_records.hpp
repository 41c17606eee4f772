#pragma once

#include <string>

#include "daemon/output/record_batch.hpp"

namespace duplexd::test {

inline constexpr const char* some_time = "2026-11-21T02:13:55.123456Z";

/// A reply of session "s".
inline session_event reply_event(std::string_view name = "tick", std::string_view session = "s") {
  return {.what = session_event::kind::reply, .session = session, .time = some_time, .name = name};
}

/// A batch of replies with these texts.
inline record_batch batch_of(const std::vector<std::string>& texts, std::string_view name = "tick") {
  record_batch made;
  for (const std::string& each : texts) made.add(reply_event(name), each);
  return made;
}

}  // namespace duplexd::test
