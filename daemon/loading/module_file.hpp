#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd {

/// Where modules are: beside the program, below its prefix (`../lib/duplexd`) or its build directory
/// (`lib/duplexd`).
[[nodiscard]] std::vector<std::filesystem::path> module_folders();

/// What the structure of each kind of module begins with: it never changes. A module holds C++ objects of
/// ours, so a module and a daemon fit together only if they are of one version.
struct module_head {
  std::uint32_t interface;  ///< of the module's build
  const char* version;      ///< duplexd's, likewise
};

struct opened_module {
  const module_head* head = nullptr;
  std::string error{};  ///< why there is none, and what to do
};

/// Loads `duplexd-NAME.so`, for good, from the first of the folders that has it, and calls its only symbol,
/// `entry`.
[[nodiscard]] opened_module open_module(std::string_view name, const char* entry, std::uint32_t interface,
                                        const std::vector<std::filesystem::path>& folders);

}  // namespace duplexd
