#pragma once

#include <cstddef>
#include <string_view>

namespace duplexd::config {

/// Where `what` stands first in an expression, outside of quoted texts; npos: nowhere.
[[nodiscard]] std::size_t find_outside_quotes(std::string_view expression, std::string_view what);

}  // namespace duplexd::config
