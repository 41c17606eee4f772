#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

namespace duplexd::config {

/// Whether `${time:FORM}` has this form.
[[nodiscard]] bool is_time_form(std::string_view form) noexcept;

/// The forms, for messages.
inline constexpr std::string_view time_forms = "unix, unix_ms, unix_us, iso, http";

/// A time in one of the forms.
[[nodiscard]] nlohmann::ordered_json time_as(std::string_view form,
                                             std::chrono::system_clock::time_point now);

}  // namespace duplexd::config
