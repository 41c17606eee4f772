#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::protocol {

/// The layout that packs and unpacks the bytes of a format of Python's struct, with a name for each of its
/// values, or for each of its codes: then a code with a count is a list. Without names it is the format
/// itself. Codes for bytes (`s`, `p`, `c`) become texts. What is wrong, and at which character, in `error`.
[[nodiscard]] std::optional<std::string> layout_of_struct(std::string_view format,
                                                          const std::vector<std::string>& names,
                                                          std::string& error);

}  // namespace duplexd::protocol
