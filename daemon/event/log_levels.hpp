#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings/log_settings.hpp"

namespace duplexd {

/// What is logged: the lowest level of all sessions and of those that have their own. Pure.
class log_levels {
 public:
  explicit log_levels(const config::log_settings& from);

  /// Whether what is as urgent as `level` is logged. `session` is empty for what concerns the whole daemon.
  [[nodiscard]] bool wants(std::string_view session, config::log_level level) const noexcept;

  [[nodiscard]] config::log_level level() const noexcept { return level_; }
  [[nodiscard]] const config::session_levels& sessions() const noexcept { return sessions_; }

  /// Of all sessions without a level of their own.
  void set(config::log_level level);

  /// Of one session; nothing: it has no level of its own any more.
  void set(const std::string& session, std::optional<config::log_level> level);

  /// A reload: takes what differs between the files. What does not stays as it was set meanwhile.
  void reload(const config::log_settings& before, const config::log_settings& next);

 private:
  void find_bounds();

  config::log_level level_;
  config::session_levels sessions_;
  config::log_level least_ = config::log_level::debug;     ///< below it nothing is logged of any session
  config::log_level greatest_ = config::log_level::debug;  ///< from it on everything
};

}  // namespace duplexd
