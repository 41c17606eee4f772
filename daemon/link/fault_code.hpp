#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "config/value/fault_class.hpp"

namespace duplexd {

/// The number that each class has in the log and in docs/faults.md, which has a section for each. They never
/// change, and one of a class that goes is not used again.
inline constexpr std::array<std::pair<config::fault_class, std::string_view>, 11> fault_codes{{
    {config::fault_class::secret, "F01"},
    {config::fault_class::resolve, "F02"},
    {config::fault_class::connect, "F03"},
    {config::fault_class::tls, "F04"},
    {config::fault_class::http, "F05"},
    {config::fault_class::login_rejected, "F06"},
    {config::fault_class::closed, "F07"},
    {config::fault_class::lost, "F08"},
    {config::fault_class::protocol_error, "F09"},
    {config::fault_class::liveness, "F10"},
    {config::fault_class::script, "F11"},
}};
static_assert(fault_codes.size() == config::fault_class_names.size());

[[nodiscard]] constexpr std::string_view code_of(config::fault_class kind) noexcept {
  for (const auto& [candidate, code] : fault_codes)
    if (candidate == kind) return code;
  return "F00";
}

}  // namespace duplexd
