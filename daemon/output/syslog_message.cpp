#include "daemon/output/syslog_message.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace duplexd {

namespace {

constexpr std::size_t longest_host = 255;
constexpr std::size_t longest_id = 32;

/// A field of the header: visible ASCII of at most so many characters; "-" if nothing is left.
std::string header_field(std::string_view text, std::size_t longest) {
  std::string field;
  for (const char c : text.substr(0, longest)) field += c > 0x20 && c < 0x7f ? c : '_';
  return field.empty() ? "-" : field;
}

/// Nothing for a value that there is not.
std::string parameter(std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  std::string text = fmt::format(" {}=\"", name);
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == ']') text += '\\';
    text += c;
  }
  return text += '"';
}

}  // namespace

syslog_message::syslog_message(const config::output_settings& settings, std::string_view host, int process)
    : priority_(fmt::format("<{}>1 ",
                            static_cast<int>(settings.facility) * 8 + static_cast<int>(settings.severity))),
      origin_(fmt::format(" {} {} {} ", header_field(host, longest_host), settings.app_name, process)),
      element_(settings.structured_data) {}

std::string syslog_message::operator()(const record_batch::record& record) const {
  const bool is_reply = record.what == session_event::kind::reply;
  const std::string_view reply = is_reply ? record.name : std::string_view{};
  const std::string_view event = event_word(record);
  std::string text = priority_;
  text += record.time;
  text += origin_;
  text += header_field(reply.empty() ? event : reply, longest_id);
  if (element_.empty())
    text += " -";
  else
    text += fmt::format(" [{}{}{}{}]", element_, parameter("session", record.session),
                        parameter("event", event), parameter("reply", reply));
  text += ' ';
  text += without_newline(record.text);
  return text;
}

std::string octet_counted(std::string_view message) {
  return fmt::format("{} {}", message.size(), message);
}

std::string host_name() {
  std::array<char, longest_host + 1> name{};
  return gethostname(name.data(), longest_host) == 0 ? name.data() : "";
}

}  // namespace duplexd
