#pragma once

#include <memory>

#include "config/settings/column_types.hpp"
#include "config/settings/output_settings.hpp"
#include "daemon/event/output.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/output_context.hpp"

namespace duplexd {

/// What writes an output's events beside the loop; null for those that have none. `columns`: of a database.
[[nodiscard]] std::unique_ptr<event_writer> make_writer(const clock& time,
                                                        const config::output_settings& settings,
                                                        config::table_columns columns);

/// What receives an output's commands; null: it has none.
[[nodiscard]] std::unique_ptr<broker_receiver> make_receiver(const clock& time,
                                                             const config::output_settings& settings);

/// The output that the settings describe, which is not stdout.
[[nodiscard]] std::unique_ptr<output> make_output(const output_context& context,
                                                  const config::output_settings& settings,
                                                  config::table_columns columns);

}  // namespace duplexd
