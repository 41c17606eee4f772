// Records as RFC 5424 says it.
#include "daemon/output/syslog_message.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

record_batch::record syslog_record(std::string_view text, std::string_view name = "tick",
                                   session_event::kind what = session_event::kind::reply) {
  return {.what = what, .session = "s", .time = some_time, .name = name, .text = text, .number = 0};
}

config::output_settings syslog_settings() {
  return {.name = "o", .type = config::output_type::syslog};
}

}  // namespace

TEST_CASE("a record is the message of a header", "[syslog]") {
  const syslog_message message(syslog_settings(), "box", 42);
  const std::string header = std::string("<30>1 ") + some_time + " box duplexd 42 ";
  CHECK(message(syslog_record("{\"a\":1}\n")) == header + "tick - {\"a\":1}");
  CHECK(message(syslog_record("two\nlines\n\n")) == header + "tick - two\nlines\n");
  CHECK(message(syslog_record("", "", session_event::kind::raw)) == header + "raw - ");
  CHECK(message(syslog_record("x", "gap", session_event::kind::note)) == header + "gap - x");
  CHECK(message(syslog_record("x", "")) == header + "reply - x");
}

// Facility times 8 plus severity, RFC 5424, 6.2.1.
TEST_CASE("facility and severity become a number", "[syslog]") {
  using config::syslog_facility;
  using config::syslog_severity;
  struct row {
    syslog_facility facility;
    syslog_severity severity;
    const char* begin;
  };
  const row rows[] = {{syslog_facility::kern, syslog_severity::emergency, "<0>1 "},
                      {syslog_facility::ftp, syslog_severity::warning, "<92>1 "},
                      {syslog_facility::local0, syslog_severity::notice, "<133>1 "},
                      {syslog_facility::local4, syslog_severity::notice, "<165>1 "},
                      {syslog_facility::local7, syslog_severity::debug, "<191>1 "}};
  for (const row& each : rows) {
    auto with = syslog_settings();
    with.facility = each.facility;
    with.severity = each.severity;
    const syslog_message message(with, "box", 1);
    CHECK(message(syslog_record("")).starts_with(each.begin));
  }
}

TEST_CASE("what the header cannot hold is replaced or cut", "[syslog]") {
  const auto header = [](std::string_view host, std::string_view name) {
    const std::string text = syslog_message(syslog_settings(), host, 1)(syslog_record("", name));
    return text.substr(text.find('Z') + 1);
  };
  CHECK(header("", "a b\xc3\xa4") == " - duplexd 1 a_b__ - ");
  const std::string host(255, 'h');
  const std::string name(32, 'n');
  CHECK(header(host, name) == " " + host + " duplexd 1 " + name + " - ");
  CHECK(header(host + "h", name + "n") == " " + host + " duplexd 1 " + name + " - ");
}

// RFC 5424, 6.3.3: three characters are escaped.
TEST_CASE("session, event and reply as structured data", "[syslog]") {
  auto with = syslog_settings();
  with.structured_data = "feed@32473";
  const syslog_message message(with, "box", 1);
  const auto element = [&](const record_batch::record& of) {
    const std::string text = message(of);
    return text.substr(text.find('['));
  };
  CHECK(element(syslog_record("x")) == R"([feed@32473 session="s" event="reply" reply="tick"] x)");
  CHECK(element(syslog_record("x", "gap", session_event::kind::note)) ==
        R"([feed@32473 session="s" event="gap"] x)");
  CHECK(element(syslog_record("x", R"(a"b\c]d)")) ==
        R"([feed@32473 session="s" event="reply" reply="a\"b\\c\]d"] x)");
}

TEST_CASE("over TCP the length comes first", "[syslog]") {
  CHECK(octet_counted("") == "0 ");
  CHECK(octet_counted("a\nb") == "3 a\nb");
  CHECK(octet_counted(std::string(10, 'x')) == "10 xxxxxxxxxx");
}
