#pragma once

#include "config/fields/parsed.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// An output has the fields of its type, and no others.
void check_fields_of_type(const value_at& at, const parsed_output& output, reading& in);

/// What the journal decides for durable outputs.
void check_durable(const value_at& at, const parsed_output& output, reading& in);

}  // namespace duplexd::config
