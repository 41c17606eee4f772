#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace duplexd {

/// A number of JSON, or the text of one, as an integer of that type; nothing if it is none or does not fit.
/// 5.0 and 5e0 are 5.
template <class T>
[[nodiscard]] std::optional<T> json_integer(const nlohmann::ordered_json& from);

/// A number, the text of one, or "NaN", "Infinity" or "-Infinity"; nothing if it is none, or finite and
/// beyond the type's range.
template <class T>
[[nodiscard]] std::optional<T> json_real(const nlohmann::ordered_json& from);

}  // namespace duplexd
