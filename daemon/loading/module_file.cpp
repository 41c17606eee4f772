#include "daemon/loading/module_file.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace duplexd {

namespace {

namespace fs = std::filesystem;

std::string what_to_do(std::string_view name) {
  return fmt::format("install the package duplexd-{} of version {}", name, DUPLEXD_VERSION);
}

opened_module open_file(std::string_view name, const char* entry, std::uint32_t interface,
                        const fs::path& path) {
  const auto failed = [&](std::string_view why) {
    return opened_module{nullptr, fmt::format("{}: {}: {}", path.string(), why, what_to_do(name))};
  };
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
    return opened_module{nullptr,
                         fmt::format("{}; {}", why == nullptr ? "dlopen failed" : why, what_to_do(name))};
  }
  using entry_type = const module_head*();
  auto* const get = reinterpret_cast<entry_type*>(::dlsym(library, entry));
  if (get == nullptr) return failed("this is no module of duplexd");
  const module_head* const module = get();
  if (module->interface != interface || module->version != std::string_view(DUPLEXD_VERSION))
    return failed(fmt::format("it was made for duplexd {} (interface {}), this is {} (interface {})",
                              module->version, module->interface, DUPLEXD_VERSION, interface));
  return {module, {}};
}

}  // namespace

std::vector<fs::path> module_folders() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {(program / "../lib/duplexd").lexically_normal(), program / "lib/duplexd"};
}

opened_module open_module(std::string_view name, const char* entry, std::uint32_t interface,
                          const std::vector<fs::path>& folders) {
  const std::string file = fmt::format("duplexd-{}.so", name);
  std::error_code error;
  for (const fs::path& folder : folders)
    if (fs::exists(folder / file, error)) return open_file(name, entry, interface, folder / file);
  return {nullptr, fmt::format("there is no {} in {}: {}", file,
                               folders.empty() ? std::string("any folder") : folders.front().string(),
                               what_to_do(name))};
}

}  // namespace duplexd
