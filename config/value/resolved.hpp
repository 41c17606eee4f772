#pragma once

#include <string>

namespace duplexd::config {

/// A value with its references replaced, or why that could not be done. `error` never holds a resolved value.
template <class T>
struct resolved {
  T value{};
  std::string error;  ///< empty on success
  explicit operator bool() const noexcept { return error.empty(); }
};

}  // namespace duplexd::config
