#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace duplexd::config {

enum class log_format : std::uint8_t { automatic, text, json };
enum class log_level : std::uint8_t { debug, info, warning, error };  ///< the more urgent, the greater

/// The words for levels, in the configuration, in the log and over HTTP.
inline constexpr std::array<std::pair<log_level, std::string_view>, 4> log_level_words{
    {{log_level::debug, "debug"},
     {log_level::info, "info"},
     {log_level::warning, "warning"},
     {log_level::error, "error"}}};

/// "info".
[[nodiscard]] constexpr std::string_view name_of(log_level level) noexcept {
  return log_level_words.at(static_cast<std::size_t>(level)).second;
}

/// Nothing if the text is not such a word.
[[nodiscard]] constexpr std::optional<log_level> log_level_named(std::string_view text) noexcept {
  for (const auto& [level, word] : log_level_words)
    if (word == text) return level;
  return std::nullopt;
}

/// Levels of sessions that have their own, by the session's name.
using session_levels = std::map<std::string, log_level, std::less<>>;

struct log_settings {
  log_format format =
      log_format::automatic;  ///< automatic: text on a terminal and in systemd, JSON never by itself
  log_level level = log_level::info;
  session_levels sessions{};
};

}  // namespace duplexd::config
