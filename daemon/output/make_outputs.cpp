#include "daemon/output/make_outputs.hpp"

#include <unistd.h>

#include <utility>

#include "daemon/output/datagram_writer.hpp"
#include "daemon/output/exec_output.hpp"
#include "daemon/output/file_writer.hpp"
#include "daemon/output/http_sink.hpp"
#include "daemon/output/journald_entry.hpp"
#include "daemon/output/line_output.hpp"
#include "daemon/output/module_library.hpp"
#include "daemon/output/module_receiver.hpp"
#include "daemon/output/module_writer.hpp"
#include "daemon/output/queued_output.hpp"
#include "daemon/output/sqlite_writer.hpp"
#include "daemon/output/stream_sink.hpp"
#include "daemon/output/syslog_message.hpp"

namespace duplexd {

namespace {

std::unique_ptr<event_writer> make_local_writer(config::output_settings settings, const char* usual,
                                                record_text text, bool passes_files) {
  if (settings.socket.empty()) settings.socket = usual;
  return std::make_unique<datagram_writer>(settings, std::move(text), passes_files);
}

/// Without a file what is refused is dropped.
std::unique_ptr<event_writer> make_refused(const config::output_settings& settings) {
  if (settings.dead_letters.empty()) return nullptr;
  config::output_settings file{.name = settings.name, .type = config::output_type::file};
  file.path = settings.dead_letters;
  std::string error;  // the configuration was checked
  auto path = config::path_pattern::parse(file.path, error);
  return path ? std::make_unique<file_writer>(file, std::move(*path)) : nullptr;
}

}  // namespace

std::unique_ptr<event_writer> make_writer(const clock& time, const config::output_settings& settings,
                                          config::table_columns columns) {
  if (const auto module = module_of(settings.type))
    return std::make_unique<module_writer>(
        settings, time, [name = *module] { return load_module(name, module_folders()); },
        make_refused(settings));
  switch (settings.type) {
    case config::output_type::standard_output:
    case config::output_type::standard_error:
    case config::output_type::exec:
    case config::output_type::http:
    case config::output_type::tcp:
    case config::output_type::postgres:
    case config::output_type::mqtt:
    case config::output_type::nats:
      return nullptr;
    case config::output_type::file: {
      std::string error;  // the configuration was checked
      auto path = config::path_pattern::parse(settings.path, error);
      return path ? std::make_unique<file_writer>(settings, std::move(*path)) : nullptr;
    }
    case config::output_type::sqlite:
      return std::make_unique<sqlite_writer>(settings, std::move(columns));
    case config::output_type::udp:
      return std::make_unique<datagram_writer>(settings, text_as_it_is);
    case config::output_type::syslog: {
      syslog_message message(settings, host_name(), getpid());
      switch (settings.transport) {
        case config::syslog_transport::unix_socket:
          return make_local_writer(settings, "/dev/log", std::move(message), false);
        case config::syslog_transport::udp:
          return std::make_unique<datagram_writer>(settings, std::move(message));
        case config::syslog_transport::tcp:
          return nullptr;
      }
      return nullptr;
    }
    case config::output_type::journald:
      return make_local_writer(settings, "/run/systemd/journal/socket", journald_entry(settings), true);
  }
  return nullptr;
}

std::unique_ptr<broker_receiver> make_receiver(const clock& time, const config::output_settings& settings) {
  const auto module = module_of(settings.type);
  if (!module || (settings.commands.from.empty() && settings.commands.stream.empty())) return nullptr;
  return std::make_unique<module_receiver>(settings, time,
                                           [name = *module] { return load_module(name, module_folders()); });
}

namespace {

std::unique_ptr<record_sink> make_dead_letters(const output_context& context,
                                               const config::output_settings& settings) {
  auto file = make_refused(settings);
  return file == nullptr ? nullptr : std::make_unique<threaded_sink>(context.loop, std::move(file));
}

/// Of those types that work on the loop; null for all others.
std::unique_ptr<record_sink> make_sink(const output_context& context,
                                       const config::output_settings& settings) {
  switch (settings.type) {
    case config::output_type::http:
      return std::make_unique<http_sink>(context, settings, make_dead_letters(context, settings));
    case config::output_type::tcp:
      return std::make_unique<stream_sink>(context, settings, text_as_it_is);
    case config::output_type::syslog: {
      if (settings.transport != config::syslog_transport::tcp) return nullptr;
      auto counted = [message = syslog_message(settings, host_name(), getpid())](
                         const record_batch::record& record) { return octet_counted(message(record)); };
      return std::make_unique<stream_sink>(context, settings, std::move(counted));
    }
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<output> make_output(const output_context& context, const config::output_settings& settings,
                                    config::table_columns columns) {
  if (settings.type == config::output_type::exec) return std::make_unique<exec_output>(context, settings);
  if (settings.type == config::output_type::standard_error)
    return std::make_unique<line_output>(context.loop, context.log, settings.name, STDERR_FILENO);
  if (auto sink = make_sink(context, settings))
    return std::make_unique<queued_output>(context.loop, context.time, context.log, context.random, settings,
                                           std::move(sink));
  auto writer = make_writer(context.time, settings, std::move(columns));
  if (writer == nullptr) return nullptr;
  return std::make_unique<queued_output>(context.loop, context.time, context.log, context.random, settings,
                                         std::move(writer));
}

}  // namespace duplexd
