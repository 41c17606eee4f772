#pragma once

#include "config/fields/field.hpp"
#include "config/fields/parsed.hpp"

namespace duplexd::config {

/// The field table: every field of the configuration, each said once, in fields*.cpp.
[[nodiscard]] const section& document_fields();
[[nodiscard]] const section& session_fields();
[[nodiscard]] const section& template_fields();

/// What a session, a template or a protocol may be called: letters, digits, '_', '.', '-'.
[[nodiscard]] bool is_name(std::string_view text) noexcept;
inline constexpr std::string_view name_pattern = "^[A-Za-z0-9_.-]+$";

}  // namespace duplexd::config
