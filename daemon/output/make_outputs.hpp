#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "config/settings/output_settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// The output that the settings describe, which is not stdout. `loop`, `time` and `log` outlive it.
[[nodiscard]] std::unique_ptr<output> make_output(const asio::any_io_executor& loop, clock& time,
                                                  telemetry& log, std::function<double()> random,
                                                  const config::output_settings& settings);

}  // namespace duplexd
