#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// "did you mean 'timeout'?" if one of `known` is near enough to `written`, else "known: a, b, c", else
/// empty. Near: at most one edit (insertion, removal, change, swap of neighbours) for each three letters.
[[nodiscard]] std::string suggest(std::string_view written, const std::vector<std::string>& known);

}  // namespace duplexd::config
