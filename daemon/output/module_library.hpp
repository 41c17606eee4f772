#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/loading/module_file.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// Which module an output of that type needs: "postgres"; none: it is part of the program.
[[nodiscard]] std::optional<std::string_view> module_of(config::output_type type) noexcept;

struct loaded_module {
  const output_module* module = nullptr;
  std::string error{};  ///< why there is none, and what to do
};

/// Loads `duplexd-NAME.so`, for good, from the first of the folders that has it.
[[nodiscard]] loaded_module load_module(std::string_view name,
                                        const std::vector<std::filesystem::path>& folders);

}  // namespace duplexd
