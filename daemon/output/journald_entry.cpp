#include "daemon/output/journald_entry.hpp"

#include <cstdint>
#include <string_view>

namespace duplexd {

namespace {

/// A line, or, if the value has several, its size as 64 bits, little endian, and itself.
void add(std::string& entry, std::string_view name, std::string_view value) {
  entry += name;
  if (value.find('\n') == std::string_view::npos) {
    entry += '=';
  } else {
    entry += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      entry += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xffU);
  }
  entry += value;
  entry += '\n';
}

}  // namespace

journald_entry::journald_entry(const config::output_settings& settings) {
  add(always_, "PRIORITY", std::to_string(static_cast<int>(settings.severity)));
  add(always_, "SYSLOG_IDENTIFIER", settings.app_name);
}

std::string journald_entry::operator()(const record_batch::record& record) const {
  std::string entry = always_;
  add(entry, "MESSAGE", without_newline(record.text));
  if (!record.session.empty()) add(entry, "SESSION", record.session);
  add(entry, "EVENT", event_word(record));
  if (record.what == session_event::kind::reply && !record.name.empty()) add(entry, "REPLY", record.name);
  return entry;
}

}  // namespace duplexd
