#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace duplexd::protocol {

/// The name of `known` that is nearest to `written`, the first of equals; empty if none is near: at most one
/// edit (insertion, removal, change, swap of neighbours) for each three letters of the longer name.
[[nodiscard]] std::string nearest(std::string_view written, const std::vector<std::string>& known);

/// "did you mean 'timeout'?", or empty.
[[nodiscard]] std::string suggest(std::string_view written, const std::vector<std::string>& known);

/// The same; if no name is near, "known: a, b, c" unless the list is long.
[[nodiscard]] std::string suggest_or_list(std::string_view written, const std::vector<std::string>& known);

}  // namespace duplexd::protocol
