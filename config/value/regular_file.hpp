#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/value/resolved.hpp"

namespace duplexd::config {

/// The most of a file that a reference names, in bytes, and of one with certificates or keys.
constexpr std::size_t largest_secret_file = std::size_t{1} << 20;
constexpr std::size_t largest_pem_file = std::size_t{8} << 20;

/// All of a file that is read while the loop runs. It never waits: a pipe, a device or a folder is refused,
/// and more than `limit` bytes too. The error says why in words, and for which user if that matters; it does
/// not name the file.
[[nodiscard]] resolved<std::string> read_regular_file(const std::string& path, std::size_t limit);

/// The most of a configuration, in bytes, and how long whoever writes it into a pipe may take.
constexpr std::size_t largest_config_file = std::size_t{16} << 20;
constexpr std::chrono::seconds config_wait{10};

/// All of a file that is read before the loop runs, which may also be a pipe or a terminal: read to its end,
/// but no longer than `wait` and no more than `limit` bytes.
[[nodiscard]] resolved<std::string> read_file_or_pipe(const std::string& path, std::size_t limit,
                                                      std::chrono::milliseconds wait);

}  // namespace duplexd::config
