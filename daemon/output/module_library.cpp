#include "daemon/output/module_library.hpp"

#include <utility>

namespace duplexd {

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

loaded_module load_module(std::string_view name, const std::vector<std::filesystem::path>& folders) {
  opened_module opened = open_module(name, module_entry, module_interface, folders);
  return {reinterpret_cast<const output_module*>(opened.head), std::move(opened.error)};
}

}  // namespace duplexd
