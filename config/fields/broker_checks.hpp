#pragma once

#include "config/fields/parsed.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// What an output to a message broker must have, and what it cannot.
void check_broker(const value_at& at, const parsed_output& output, reading& in);

}  // namespace duplexd::config
