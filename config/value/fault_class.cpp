#include "config/value/fault_class.hpp"

namespace duplexd::config {

std::string_view name_of(fault_class value) noexcept {
  for (const auto& [candidate, name] : fault_class_names)
    if (candidate == value) return name;
  return "unknown";
}

std::optional<fault_class> fault_class_from(std::string_view name) noexcept {
  for (const auto& [candidate, candidate_name] : fault_class_names)
    if (candidate_name == name) return candidate;
  return std::nullopt;
}

}  // namespace duplexd::config
