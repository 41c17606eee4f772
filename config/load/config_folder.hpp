#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/value/resolved.hpp"

namespace duplexd::config {

/// The most files that one configuration may have. All of them together have at most `largest_config_file`
/// bytes.
constexpr std::size_t most_config_files = 1'000;

/// Whether a file of a folder belongs to its configuration: it ends in .yaml, .yml or .json and is not
/// hidden.
[[nodiscard]] bool is_config_name(std::string_view name) noexcept;

/// The files of a folder that make up its configuration, with the folder's name before them, in the order of
/// their names, byte by byte. Folders in it are left out. The error does not name the folder. Blocks.
[[nodiscard]] resolved<std::vector<std::string>> config_files_in(const std::string& folder);

}  // namespace duplexd::config
