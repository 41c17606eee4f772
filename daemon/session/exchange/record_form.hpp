#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "daemon/event/session_event.hpp"

namespace duplexd {

/// An event whose values are parsed at most once, however many outputs look at them. Lives as long as the
/// event.
class reply_values {
 public:
  explicit reply_values(const session_event& happened) : event_(happened) {}

  [[nodiscard]] const session_event& event() const noexcept { return event_; }
  /// A reply's values.
  [[nodiscard]] const nlohmann::ordered_json& get() const;
  [[nodiscard]] bool are_parsed() const noexcept { return parsed_.has_value(); }

 private:
  const session_event& event_;
  mutable std::optional<nlohmann::ordered_json> parsed_;
};

/// What an event becomes in an output: `line` itself, or what is written to `room`. Empty: the form has
/// nothing for this event (ndjson, csv and templates are for replies, raw for what has bytes). Pure.
[[nodiscard]] std::string_view record_of(const reply_values& values, const config::record_settings& form,
                                         std::string& room);

}  // namespace duplexd
