#pragma once

#include <memory>

#include "config/settings/output_settings.hpp"
#include "daemon/event/output.hpp"
#include "daemon/output/output_context.hpp"

namespace duplexd {

/// The output that the settings describe, which is not stdout.
[[nodiscard]] std::unique_ptr<output> make_output(const output_context& context,
                                                  const config::output_settings& settings);

}  // namespace duplexd
