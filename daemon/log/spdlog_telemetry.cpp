#include "daemon/log/spdlog_telemetry.hpp"

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/os.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "daemon/event/describe.hpp"
#include "daemon/event/flood_guard.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/log/journal.hpp"
#include "daemon/log/log_lines.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

spdlog::level::level_enum spdlog_level(config::log_level level) {
  switch (level) {
    case config::log_level::debug:
      return spdlog::level::debug;
    case config::log_level::warning:
      return spdlog::level::warn;
    case config::log_level::error:
      return spdlog::level::err;
    case config::log_level::info:
      break;
  }
  return spdlog::level::info;
}

// https://no-color.org
bool wants_colours() {
  const char* none = std::getenv("NO_COLOR");
  return none == nullptr || *none == '\0';
}

// An error, so that no level leaves it out: it stands for lines of every level.
description describe_dropped(std::size_t count) {
  return {config::log_level::error,
          "log_dropped",
          fmt::format("{} log lines were dropped here: stderr was not read", count),
          {{"count", count}}};
}

/// A level's name has its colour on a terminal, `%^` and `%$` of the pattern.
class lines_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit lines_sink(log_lines& to)
      : to_(to),
        colours_(wants_colours() && spdlog::details::os::in_terminal(stderr) &&
                 spdlog::details::os::is_color_terminal()) {}

 private:
  static std::string_view colour_of(spdlog::level::level_enum level) {
    if (level == spdlog::level::err) return "\x1b[31m\x1b[1m";
    if (level == spdlog::level::warn) return "\x1b[33m\x1b[1m";
    return level == spdlog::level::info ? "\x1b[32m" : "\x1b[36m";
  }

  void sink_it_(const spdlog::details::log_msg& what) override {
    spdlog::memory_buf_t buffer;
    formatter_->format(what, buffer);
    std::string line{buffer.data(), buffer.size()};
    if (colours_ && what.color_range_end > what.color_range_start) {
      line.insert(what.color_range_end, "\x1b[m");
      line.insert(what.color_range_start, colour_of(what.level));
    }
    to_.append(line);
  }
  void flush_() override { to_.flush(); }

  log_lines& to_;
  bool colours_;
};

class spdlog_telemetry final : public log_writer {
 public:
  spdlog_telemetry(const config::log_settings& settings, const secret_index& secrets)
      : secrets_(secrets),
        levels_(settings),
        json_(settings.format == config::log_format::json),
        journal_(journal_listens()) {
    logger_ = std::make_shared<spdlog::logger>("duplexd", std::make_shared<lines_sink>(lines_));
    logger_->set_level(spdlog::level::trace);  // what comes here is wanted
    logger_->set_pattern(json_ || journal_ ? "%v" : "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  }

  void record(std::string_view session, const event& what) override {
    // How often a link fails and ends is for the session's configuration to say, and ends every silence.
    const bool ends_link = std::holds_alternative<happening::attempt_failed>(what) ||
                           std::holds_alternative<happening::link_closed>(what);
    if (ends_link) tell_held_back(session);
    const config::log_level level = level_of(what);
    if (!levels_.wants(session, level)) return;
    description text = describe(what);
    if (level == config::log_level::warning && !ends_link) {
      if (!guard_.admits(session, text.name, std::chrono::steady_clock::now())) return;
      tell_held_back(session, text.name);
    }
    write(session, std::move(text));
  }

  log_levels& levels() override { return levels_; }

  void trace(std::string_view session, const std::string& line) override {
    const description text{config::log_level::info, "trace", line, {}};
    std::string whole{journal_ ? journal_priority(text.level) : ""};
    whole += json_ ? json_line(session, text) : text_line(session, text);
    logger_->log(spdlog::level::info, whole);
  }

  bool flush() override {
    if (!lines_.flush()) return false;
    if (lines_.dropped() > 0) write("", describe_dropped(lines_.take_dropped()));
    return lines_.flush();
  }

 private:
  void tell_held_back(std::string_view session, std::string_view name = {}) {
    for (const auto& each : guard_.take_held_back(session, name))
      if (levels_.wants(session, level_of(each))) write(session, describe(each));
  }

  void write(std::string_view session, description text) {
    if (lines_.dropped() > 0) flush();
    secrets_.mask(text.message);
    mask(text.fields);
    std::string line{journal_ ? journal_priority(text.level) : ""};
    line += json_ ? json_line(session, text) : text_line(session, text);
    logger_->log(spdlog_level(text.level), line);
  }

  void mask(nlohmann::ordered_json& value) const {
    if (value.is_string()) secrets_.mask(value.get_ref<std::string&>());
    if (value.is_structured())
      for (auto& part : value) mask(part);
  }

  [[nodiscard]] static std::string text_line(std::string_view session, const description& text) {
    std::string line;
    if (!session.empty()) line.append(session).append(": ");
    line += protocol::one_line(text.message);
    // The section of docs/faults.md.
    if (text.fields.is_object() && text.fields.contains("fault"))
      line.append(" [").append(text.fields.value("fault", "")).append("]");
    return line;
  }

  [[nodiscard]] static std::string json_line(std::string_view session, const description& text) {
    nlohmann::ordered_json line{{"time", timestamp(std::chrono::system_clock::now())},
                                {"level", config::name_of(text.level)},
                                {"event", text.name},
                                {"message", text.message}};
    if (!session.empty()) line["session"] = session;
    if (text.fields.is_object()) line.update(text.fields);
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }

  const secret_index& secrets_;
  log_lines lines_{STDERR_FILENO};
  flood_guard guard_;
  log_levels levels_;
  bool json_;
  bool journal_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace

std::unique_ptr<log_writer> make_spdlog_telemetry(const config::log_settings& settings,
                                                  const secret_index& secrets) {
  return std::make_unique<spdlog_telemetry>(settings, secrets);
}

}  // namespace duplexd
