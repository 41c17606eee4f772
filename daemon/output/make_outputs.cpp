#include "daemon/output/make_outputs.hpp"

#include <utility>

#include "daemon/output/exec_output.hpp"
#include "daemon/output/file_writer.hpp"
#include "daemon/output/http_sink.hpp"
#include "daemon/output/queued_output.hpp"
#include "daemon/output/sqlite_writer.hpp"

namespace duplexd {

std::unique_ptr<event_writer> make_writer(const config::output_settings& settings) {
  switch (settings.type) {
    case config::output_type::standard_output:
    case config::output_type::exec:
    case config::output_type::http:
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

namespace {

/// Without a file what is refused is dropped.
std::unique_ptr<record_sink> make_dead_letters(const output_context& context,
                                               const config::output_settings& settings) {
  if (settings.dead_letters.empty()) return nullptr;
  config::output_settings file{.name = settings.name, .type = config::output_type::file};
  file.path = settings.dead_letters;
  std::string error;  // the configuration was checked
  auto path = config::path_pattern::parse(file.path, error);
  if (!path) return nullptr;
  return std::make_unique<threaded_sink>(context.loop, std::make_unique<file_writer>(file, std::move(*path)));
}

}  // namespace

std::unique_ptr<output> make_output(const output_context& context, const config::output_settings& settings) {
  if (settings.type == config::output_type::exec) return std::make_unique<exec_output>(context, settings);
  if (settings.type == config::output_type::http)
    return std::make_unique<queued_output>(
        context.loop, context.time, context.log, context.random, settings,
        std::make_unique<http_sink>(context, settings, make_dead_letters(context, settings)));
  auto writer = make_writer(settings);
  if (writer == nullptr) return nullptr;
  return std::make_unique<queued_output>(context.loop, context.time, context.log, context.random, settings,
                                         std::move(writer));
}

}  // namespace duplexd
