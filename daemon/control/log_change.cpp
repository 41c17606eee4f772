#include "daemon/control/log_change.hpp"

#include <fmt/format.h>

#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

constexpr std::string_view no_level = "default";
constexpr std::size_t most_shown = 80;  // bytes of what was sent

std::string shown(const ordered_json& value) {
  return protocol::printable(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace), most_shown);
}

}  // namespace

std::optional<log_change> read_log_change(std::string_view body, std::string& error) {
  ordered_json wanted;
  if (protocol::parse_json(body, wanted) || !wanted.is_object() || !wanted.contains("level")) {
    error = R"(expected {"level": "debug"} or {"level": "debug", "session": "NAME"})";
    return std::nullopt;
  }
  log_change made;
  for (const auto& [key, value] : wanted.items()) {
    if (key == "session" && value.is_string() && !value.get_ref<const std::string&>().empty()) {
      made.session = value.get<std::string>();
    } else if (key == "session") {
      error = fmt::format("'session' is {}, but must be the name of a session", shown(value));
      return std::nullopt;
    } else if (key != "level") {
      error = fmt::format("unknown field '{}' (known: level, session)", protocol::printable(key, most_shown));
      return std::nullopt;
    }
  }
  const ordered_json& level = wanted["level"];
  if (level.is_string()) made.level = config::log_level_named(level.get_ref<const std::string&>());
  const bool takes_away = level.is_null() || level == no_level;
  if (!made.level && !takes_away)
    error = fmt::format("{} is not a level (known: debug, info, warning, error; for a session also default)",
                        shown(level));
  else if (takes_away && made.session.empty())
    error = fmt::format("the level {} is only allowed with 'session'", shown(level));
  return error.empty() ? std::optional(std::move(made)) : std::nullopt;
}

ordered_json describe(const log_levels& levels) {
  ordered_json sessions = ordered_json::object();
  for (const auto& [session, level] : levels.sessions()) sessions[session] = config::name_of(level);
  return {{"level", config::name_of(levels.level())}, {"sessions", std::move(sessions)}};
}

}  // namespace duplexd
