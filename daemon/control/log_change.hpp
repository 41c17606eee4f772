#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings/log_settings.hpp"
#include "daemon/event/log_levels.hpp"

namespace duplexd {

/// What `PUT /api/v1/log` asks for.
struct log_change {
  std::optional<config::log_level> level{};  ///< nothing: the session loses its own
  std::string session{};                     ///< empty: of all that have none of their own
};

/// Reads `{"level": "debug", "session": "NAME"}`. Says in `error` what is wrong.
[[nodiscard]] std::optional<log_change> read_log_change(std::string_view body, std::string& error);

/// `{"level": "info", "sessions": {"feed": "debug"}}`.
[[nodiscard]] nlohmann::ordered_json describe(const log_levels& levels);

}  // namespace duplexd
