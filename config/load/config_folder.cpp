#include "config/load/config_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace duplexd::config {

namespace fs = std::filesystem;

bool is_config_name(std::string_view name) noexcept {
  const bool fits = name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
  return fits && !name.starts_with('.');
}

resolved<std::vector<std::string>> config_files_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator each(folder, failed); !failed && each != fs::directory_iterator();
       each.increment(failed)) {
    std::error_code ignored;
    if (is_config_name(each->path().filename().string()) && !each->is_directory(ignored))
      found.push_back(each->path().string());
    if (found.size() > most_config_files)
      return {{}, fmt::format("it has more than {} configuration files", most_config_files)};
  }
  if (failed) return {{}, failed.message()};
  if (found.empty()) return {{}, "it has no file that ends in .yaml, .yml or .json"};
  std::ranges::sort(found);
  return {std::move(found), ""};
}

}  // namespace duplexd::config
