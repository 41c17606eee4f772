#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/settings/settings.hpp"
#include "daemon/event/events.hpp"

namespace duplexd {

/// How an event reads in the log.
struct description {
  config::log_level level = config::log_level::info;
  std::string_view name;          ///< "attempting": the same in every version, for machines
  std::string message;            ///< one line for people, without the session's name
  nlohmann::ordered_json fields;  ///< what the message says, for machines; null or an object
};

/// Only the level, which costs next to nothing: what is not logged need not be described.
[[nodiscard]] config::log_level level_of(const event& what) noexcept;

/// Pure: tests assert these lines.
[[nodiscard]] description describe(const event& what);

}  // namespace duplexd
