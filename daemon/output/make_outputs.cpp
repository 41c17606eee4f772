#include "daemon/output/make_outputs.hpp"

#include <utility>

#include "daemon/output/file_writer.hpp"
#include "daemon/output/queued_output.hpp"
#include "daemon/output/sqlite_writer.hpp"

namespace duplexd {

namespace {

std::unique_ptr<event_writer> make_writer(const config::output_settings& settings) {
  switch (settings.type) {
    case config::output_type::standard_output:
      return nullptr;
    case config::output_type::file: {
      std::string error;  // the configuration was checked
      auto path = config::path_pattern::parse(settings.path, error);
      return path ? std::make_unique<file_writer>(settings, std::move(*path)) : nullptr;
    }
    case config::output_type::sqlite:
      return std::make_unique<sqlite_writer>(settings);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<output> make_output(const asio::any_io_executor& loop, clock& time, telemetry& log,
                                    std::function<double()> random, const config::output_settings& settings) {
  auto writer = make_writer(settings);
  if (writer == nullptr) return nullptr;
  return std::make_unique<queued_output>(loop, time, log, std::move(random), settings, std::move(writer));
}

}  // namespace duplexd
