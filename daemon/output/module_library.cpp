#include "daemon/output/module_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace duplexd {

namespace {

namespace fs = std::filesystem;

std::string what_to_do(std::string_view name) {
  return fmt::format("install the package duplexd-{} of version {}", name, DUPLEXD_VERSION);
}

loaded_module open_module(std::string_view name, const fs::path& path) {
  const auto failed = [&](std::string_view why) {
    return loaded_module{nullptr, fmt::format("{}: {}: {}", path.string(), why, what_to_do(name))};
  };
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
    return loaded_module{nullptr,
                         fmt::format("{}; {}", why == nullptr ? "dlopen failed" : why, what_to_do(name))};
  }
  auto* const entry = reinterpret_cast<module_entry_type*>(::dlsym(library, module_entry));
  if (entry == nullptr) return failed("this is no module of duplexd");
  const output_module* const module = entry();
  if (module->interface != module_interface || module->version != std::string_view(DUPLEXD_VERSION))
    return failed(fmt::format("it was made for duplexd {} (interface {}), this is {} (interface {})",
                              module->version, module->interface, DUPLEXD_VERSION, module_interface));
  return {module, {}};
}

}  // namespace

std::optional<std::string_view> module_of(config::output_type type) noexcept {
  switch (type) {
    case config::output_type::postgres:
      return "postgres";
    case config::output_type::mqtt:
      return "mqtt";
    case config::output_type::nats:
      return "nats";
    default:
      return std::nullopt;
  }
}

std::vector<fs::path> module_folders() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {(program / "../lib/duplexd").lexically_normal(), program / "lib/duplexd"};
}

loaded_module load_module(std::string_view name, const std::vector<fs::path>& folders) {
  const std::string file = fmt::format("duplexd-{}.so", name);
  std::error_code error;
  for (const fs::path& folder : folders)
    if (fs::exists(folder / file, error)) return open_module(name, folder / file);
  return {nullptr, fmt::format("there is no {} in {}: {}", file,
                               folders.empty() ? std::string("any folder") : folders.front().string(),
                               what_to_do(name))};
}

}  // namespace duplexd
