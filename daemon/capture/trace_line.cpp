#include "daemon/capture/trace_line.hpp"

#include <fmt/format.h>

#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

std::string content_of(const capture_entry& entry) {
  if (!entry.bytes) return fmt::format("{} bytes, omitted: they hold a secret", entry.size);
  if (entry.kind == protocol::frame_kind::text) return protocol::printable(*entry.bytes, longest_trace);
  std::string digits;
  const std::size_t most = longest_trace / 2;
  const std::string_view start = std::string_view{*entry.bytes}.substr(0, most);
  protocol::append_hex(digits, {reinterpret_cast<const std::uint8_t*>(start.data()), start.size()});
  return digits + (entry.bytes->size() > most ? "…" : "");
}

}  // namespace

std::string trace_line(const capture_entry& entry) {
  const char* way = entry.way == capture_way::out ? ">" : "<";
  switch (entry.event) {
    case capture_event::opened:
      return "* opened";
    case capture_event::message:
      return fmt::format("{} {} {}", way, entry.kind == protocol::frame_kind::text ? "text" : "binary",
                         content_of(entry));
    case capture_event::close:
      return protocol::one_line(fmt::format("{} close {} {}", way, entry.reason.code, entry.reason.text));
    case capture_event::ended:
      break;
  }
  return "* ended" + (entry.fault.empty() ? "" : protocol::one_line(": " + entry.fault + ": " + entry.cause));
}

}  // namespace duplexd
