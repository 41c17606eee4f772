// The least and the greatest value of each field that has them, in words of their own: the table in config/
// is not asked.
#include <set>

#include "tests/catch.hpp"
#include "tests/config/sections.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

namespace {

struct range_row {
  const char* section;
  const char* field;
  const char* least;
  const char* greatest;
  const char* below;  ///< one less than the least; null: nothing is written like that
  const char* above;
  const char* beside = "{}";  ///< what the field needs
};

const range_row ranges[] = {
    {"document", "version", "1", "1", "0", "2"},
    {"shutdown", "limit", "'0'", "'1h'", nullptr, "'1h1ms'"},
    {"connect", "at_once", "0", "65535", "-1", "65536"},
    {"close", "within", "'1ms'", "'1m'", "'0'", "'1m1ms'"},
    {"output", "queue", "65536", "1073741824", "65535", "1073741825"},
    {"output", "qos", "0", "1", "-1", "2"},
    {"output", "keepalive", "'5s'", "'12h'", "'4999ms'", "'12h1ms'"},
    {"output", "timeout", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"batch", "events", "1", "65535", "0", "65536"},
    {"batch", "size", "1", "100000000", "0", "100000001"},
    {"batch", "time", "'0'", "'1h'", nullptr, "'1h1ms'"},
    {"journal", "size", "1048576", "1000000000000", "1048575", "1000000000001"},
    {"journal", "keep", "'0'", "'87840h'", nullptr, "'87840h1ms'"},
    {"journal", "remember", "'1s'", "'8760h'", "'999ms'", "'8760h1ms'"},
    {"rotate", "size", "0", "1000000000000", nullptr, "1000000000001"},
    {"rotate", "age", "'0'", "'9600h'", nullptr, "'9600h1ms'"},
    {"keep", "files", "0", "65535", "-1", "65536"},
    {"keep", "size", "0", "1000000000000000", nullptr, "1000000000000001"},
    {"keep", "age", "'0'", "'87840h'", nullptr, "'87840h1ms'"},
    {"session", "linger", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"timeouts", "resolve", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "connect", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "tls", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "handshake", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "login", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "close", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "proxy", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"timeouts", "cleanup", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"tcp", "keepalive", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"tcp", "user_timeout", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"stream", "chunk", "1", "1048576", "0", "1048577"},
    {"fault_rule", "initial", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"fault_rule", "maximum", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"fault_rule", "factor", "1", "100", "0.999", "100.001"},
    {"fault_rule", "give_up_after", "1", "65535", "0", "65536"},
    {"fault_rule", "exit_code", "1", "125", "0", "126"},
    {"reconnect", "initial", "'1ms'", "'24h'", "'0'", "'24h1ms'", "{'maximum': '24h'}"},
    {"reconnect", "maximum", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"reconnect", "factor", "1", "100", "0.999", "100.001"},
    {"reconnect", "stable_after", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"heartbeat", "every", "'1ms'", "'876000h'", "'0'", "'876000h1ms'"},
    {"heartbeat", "timeout", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"fresh", "within", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"lag_limit", "at_most", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"liveness", "ping_interval", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"liveness", "idle_timeout", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"liveness", "send_timeout", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"renew", "after", "'1ms'", "'876000h'", "'0'", "'876000h1ms'"},
    {"renew", "margin", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"limits", "message", "1", "1073741824", "0", "1073741825"},
    {"limits", "frame", "0", "1073741824", nullptr, "1073741825"},
    {"limits", "json_depth", "1", "200", "0", "201"},
    {"limits", "inbox", "1024", "1073741824", "1023", "1073741825"},
    {"limits", "variables", "1024", "1073741824", "1023", "1073741825"},
    {"limits", "durable_variables", "64", "16777216", "63", "16777217"},
    {"limits", "sequences", "1024", "1073741824", "1023", "1073741825"},
    {"limits", "calls", "1", "65535", "0", "65536"},
    {"limits", "tasks", "1", "65535", "0", "65536"},
    {"limits", "kdf_iterations", "1", "10000000", "0", "10000001"},
    {"permessage_deflate", "server_max_window_bits", "9", "15", "8", "16"},
    {"permessage_deflate", "client_max_window_bits", "9", "15", "8", "16"},
    {"permessage_deflate", "level", "1", "9", "0", "10"},
    {"permessage_deflate", "threshold", "0", "1073741824", nullptr, "1073741825"},
    {"close", "code", "3000", "4999", "2999", "5000"},
    {"close", "code", "1000", "1000", "999", "1001"},
    {"rate", "messages", "0", "1000000", "-0.001", "1000000.001"},
    {"rate", "per", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"rate", "burst", "1", "65535", "0", "65536"},
    {"outbox", "max", "1", "65535", "0", "65536"},
    {"outbox", "size", "1024", "1073741824", "1023", "1073741825"},
    {"command", "ttl", "'1ms'", "'8760h'", "'0'", "'8760h1ms'"},
    {"command", "timeout", "'1ms'", "'24h'", "'0'", "'24h1ms'"},
    {"http", "timeout", "'1ms'", "'1h'", "'0'", "'1h1ms'"},
    {"step", "sleep", "'0'", "'876000h'", nullptr, "'876000h1ms'"},
    {"step", "count", "1", "65535", "0", "65536", "{'expect': 'reply'}"},
    {"step", "retries", "0", "1000", "-1", "1001", "{'call': 'ping', 'reply': 'reply'}"},
    {"step", "every", "'1ms'", "'876000h'", "'0'", "'876000h1ms'", "{'do': [{'send': 'ping'}]}"},
    {"step", "jitter", "0", "1", "-0.001", "1.001", "{'every': '1s', 'do': [{'send': 'ping'}]}"},
    {"step", "timeout", "'0'", "'876000h'", nullptr, "'876000h1ms'", "{'sleep': '1s'}"},
    {"step", "repeat", "1", "1000000000000000", "0", "1000000000000001", "{'do': [{'send': 'ping'}]}"},
    {"stream", "every", "'0'", "'876000h'", nullptr, "'876000h1ms'"},
    {"simulate_push", "after", "'0'", "'24h'", nullptr, "'24h1ms'"},
    {"simulate_push", "every", "'0'", "'24h'", nullptr, "'24h1ms'"},
};

/// JSON that is written with the other quotes.
ordered_json json_of(std::string text) {
  std::replace(text.begin(), text.end(), '\'', '"');
  return ordered_json::parse(text);
}

/// Loads the row's document with this value.
outcome load_row(const range_row& row, const char* value) {
  ordered_json fields = json_of(row.beside);
  fields[row.field] = json_of(value);
  return load_document(document_with(row.section, fields), "f.json");
}

bool has_bounds(const field& one) {
  static const std::set<std::string> types{
      "integer", "number", "duration", "duration with references", "size", "number, or forever"};
  return types.contains(one.type.name);
}

}  // namespace

TEST_CASE("the least and the greatest value of each field are accepted, one beyond is refused", "[ranges]") {
  for (const range_row& row : ranges) {
    INFO(row.section << "." << row.field);
    for (const char* good : {row.least, row.greatest}) {
      INFO(good);
      CHECK(load_row(row, good).mistakes == std::vector<std::string>{});
    }
    for (const char* bad : {row.below, row.above}) {
      if (bad == nullptr) continue;
      INFO(bad);
      const outcome refused = load_row(row, bad);
      REQUIRE(refused.mistakes.size() == 1);
      INFO(refused.mistakes[0]);
      const std::string path = path_of(row.section);
      const bool at_section = refused.mistakes[0].find(": " + path + ": ") != std::string::npos;
      const bool at_field = refused.mistakes[0].find(": " + path + (path.empty() ? "" : ".") + row.field +
                                                     ": ") != std::string::npos;
      CHECK((at_section || at_field));
    }
  }
}

// A duration below 0 is not written at all; the message of a bound names both bounds.
TEST_CASE("a value beyond a bound is told with the bounds", "[ranges]") {
  const auto told = [](const char* section, const char* field, const ordered_json& value) {
    const outcome refused = load_document(document_with(section, {{field, value}}), "f.json");
    REQUIRE(refused.mistakes.size() == 1);
    const std::string& text = refused.mistakes[0];
    return text.substr(text.find(": ") + 2);
  };
  CHECK(told("rate", "per", "0") == "sessions.s.rate.per: 0 is too small (allowed: 1ms to 24h)");
  CHECK(told("rate", "per", "24h1ms") == "sessions.s.rate.per: 24h1ms is too large (allowed: 1ms to 24h)");
  CHECK(told("rate", "burst", 0) == "sessions.s.rate.burst: 0 is too small (allowed: 1 to 65535)");
  CHECK(told("rate", "burst", 65536) ==
        "sessions.s.rate.burst: '65536' is out of range (allowed: 0 to 65535)");
  CHECK(told("rate", "burst", -1) == "sessions.s.rate.burst: '-1' is out of range (allowed: 0 to 65535)");
  CHECK(told("rate", "per", "-1s") ==
        "sessions.s.rate.per: '-1s' is not a duration (such as 500ms, 5s, 1m30s or 2h)");
  CHECK(told("heartbeat", "every", 0) ==
        "sessions.s.liveness.heartbeat.every: 0 is too small (allowed: 1ms to 876000h)");
  CHECK(told("heartbeat", "every", "${var:x}").find("too small") == std::string::npos);
  CHECK(told("limits", "frame", -1) ==
        "sessions.s.limits.frame: '-1' is not a size (such as 65536, 64KB, 16MiB)");
  CHECK(told("close", "code", 2999) ==
        "sessions.s.close.code: a client cannot close with 2999 (allowed: 1000 and 3000 to 4999)");
}

// A field with bounds that is added to the table needs a row above.
TEST_CASE("each field with bounds has its row", "[ranges]") {
  std::set<std::string> known;
  for (const range_row& row : ranges) known.insert(std::string(row.section) + "." + row.field);
  std::size_t found = 0;
  for_each_section([&](const section& each) {
    for (const field& one : each.fields) {
      if (!has_bounds(one) && !one.minimum && !one.maximum) continue;
      ++found;
      INFO(each.id << "." << one.name);
      CHECK(known.contains(each.id + "." + one.name));
    }
  });
  CHECK(found == known.size());
}

}  // namespace duplexd::config::testing
