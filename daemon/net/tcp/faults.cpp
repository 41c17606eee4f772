#include "daemon/net/tcp/faults.hpp"

#include <fmt/format.h>

namespace duplexd::net {

std::string duration_text(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count < 1000) return fmt::format("{}ms", count);
  return fmt::format("{}s", static_cast<double>(count) / 1000.0);
}

}  // namespace duplexd::net
