#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/settings/settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/log_levels.hpp"
#include "daemon/event/secret_index.hpp"

namespace duplexd {

/// The log. What is recorded never waits for whoever reads it, and what of it is lost is told.
class log_writer : public telemetry {
 public:
  /// Writes what waits as far as it fits now; to be called now and then. Returns whether nothing waits.
  virtual bool flush() = 0;

  /// What is logged; a change holds from the next event on.
  virtual log_levels& levels() = 0;

  /// A line of `run --trace`, whatever the level; secrets are not in it any more.
  virtual void trace(std::string_view session, const std::string& line) = 0;
};

/// Writes each event as one line to stderr: text for people, or one JSON object a line. When journald listens
/// a line begins with its priority, and a text has no time. What `secrets`, which must outlive it,
/// knows stands there as `***`. The only place that knows spdlog.
[[nodiscard]] std::unique_ptr<log_writer> make_spdlog_telemetry(const config::log_settings& settings,
                                                                const secret_index& secrets);

}  // namespace duplexd
