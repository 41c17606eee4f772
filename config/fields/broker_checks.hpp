#pragma once

#include <string_view>

#include "config/fields/parsed.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// Whether a text begins as a URL of a message broker does.
[[nodiscard]] constexpr bool is_broker_url(std::string_view text) noexcept {
  return text.starts_with("mqtt://") || text.starts_with("mqtts://") || text.starts_with("nats://") ||
         text.starts_with("tls://");
}

/// What an output to a message broker must have, and what it cannot.
void check_broker(const value_at& at, const parsed_output& output, reading& in);

}  // namespace duplexd::config
