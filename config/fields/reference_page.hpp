#pragma once

#include <string>

namespace duplexd::config {

/// docs/configuration.md: every field of the table, as Markdown.
[[nodiscard]] std::string reference_page();

}  // namespace duplexd::config
