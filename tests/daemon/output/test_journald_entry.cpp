// Records in the native protocol of systemd's journal.
#include "daemon/output/journald_entry.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::string_literals;

namespace {

std::string entry_of(std::string_view text, std::string_view name, session_event::kind what,
                     std::string_view session = "s") {
  const journald_entry entry({.name = "o", .type = config::output_type::journald});
  return entry(
      {.what = what, .session = session, .time = some_time, .name = name, .text = text, .number = 0});
}

}  // namespace

TEST_CASE("an event's fields are lines", "[journald]") {
  const std::string begin = "PRIORITY=6\nSYSLOG_IDENTIFIER=duplexd\n";
  CHECK(entry_of("{\"a\":1}\n", "tick", session_event::kind::reply) ==
        begin + "MESSAGE={\"a\":1}\nSESSION=s\nEVENT=reply\nREPLY=tick\n");
  CHECK(entry_of("x", "", session_event::kind::raw) == begin + "MESSAGE=x\nSESSION=s\nEVENT=raw\n");
  CHECK(entry_of("x", "gap", session_event::kind::note, "") == begin + "MESSAGE=x\nEVENT=gap\n");
  auto with = config::output_settings{.name = "o", .type = config::output_type::journald};
  with.severity = config::syslog_severity::emergency;
  with.app_name = "feed";
  record_batch::record empty;
  empty.name = "gap";
  empty.what = session_event::kind::note;
  CHECK(journald_entry(with)(empty) == "PRIORITY=0\nSYSLOG_IDENTIFIER=feed\nMESSAGE=\nEVENT=gap\n");
}

TEST_CASE("a value of several lines has its size before it", "[journald]") {
  CHECK(entry_of("a\nb\n", "", session_event::kind::raw).find("MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"s) !=
        std::string::npos);
  const std::string large = std::string(0x10203, 'x') + "\n\n";
  CHECK(entry_of(large, "", session_event::kind::raw).find("MESSAGE\n\4\2\1\0\0\0\0\0x"s) !=
        std::string::npos);
}
