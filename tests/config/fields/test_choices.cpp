// The words of each choice, said again: the table in config/ is not asked.
#include <set>

#include "tests/catch.hpp"
#include "tests/config/sections.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

namespace {

struct choice_row {
  const char* section;
  const char* field;
  std::vector<std::string> words;
  bool is_list = false;
  const char* beside = "{}";  ///< fields that it needs
};

const std::vector<std::string> faults{"secret",         "resolve",        "connect", "tls",
                                      "http",           "login_rejected", "closed",  "lost",
                                      "protocol_error", "liveness",       "script"};

const choice_row choices[] = {
    {"log", "format", {"auto", "text", "json"}},
    {"log", "level", {"debug", "info", "warning", "error"}},
    {"reconnect", "jitter", {"none", "half", "full"}},
    {"reconnect", "fatal", faults, true},
    {"fault_rule", "jitter", {"none", "half", "full"}},
    {"heartbeat", "action", {"log", "resubscribe", "reconnect"}},
    {"fresh", "action", {"log", "resubscribe", "reconnect"}},
    {"sequence", "action", {"log", "resubscribe", "reconnect"}},
    {"lag_limit", "action", {"log", "resubscribe", "reconnect"}},
    {"lag", "unit", {"s", "ms", "us", "ns"}},
    {"command", "offline", {"fail", "drop", "queue"}},
    {"output",
     "type",
     {"stdout", "stderr", "file", "sqlite", "exec", "http", "tcp", "udp", "syslog", "journald", "postgres",
      "mqtt", "nats"}},
    {"output", "transport", {"unix", "udp", "tcp"}},
    {"output", "facility", {"kern",   "user",   "mail",   "daemon",   "auth",   "syslog", "lpr",
                            "news",   "uucp",   "cron",   "authpriv", "ftp",    "local0", "local1",
                            "local2", "local3", "local4", "local5",   "local6", "local7"}},
    {"output", "severity", {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}},
    {"output", "format", {"json", "ndjson", "csv", "msgpack", "raw", "template"}},
    {"output", "body", {"ndjson", "json"}},
    {"output", "answers", {"log", "commands"}},
    {"output", "overflow", {"block", "drop_oldest", "drop_newest"}},
    {"output", "compress", {"none", "gzip", "zstd"}},
    {"journal", "full", {"block", "drop_oldest"}},
    {"route", "format", {"json", "ndjson", "csv", "msgpack", "raw", "template"}},
    {"tls", "min_version", {"1.2", "1.3"}},
    {"pbkdf2", "digest", {"sha1", "sha256", "sha512"}},
    {"step", "others", {"cancel", "continue"}, false, R"({"gather": [{"sleep": 0}]})"},
};

outcome load_choice(const choice_row& row, const ordered_json& word) {
  const ordered_json value = row.is_list ? ordered_json::array({word}) : word;
  ordered_json fields = ordered_json::parse(row.beside);
  fields[row.field] = value;
  return load_document(document_with(row.section, fields), "f.json");
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& each : words) text += (text.empty() ? "" : ", ") + each;
  return text;
}

}  // namespace

TEST_CASE("each word of a choice is accepted, another is refused with what there is", "[choices]") {
  for (const choice_row& row : choices) {
    INFO(row.section << "." << row.field);
    for (const std::string& word : row.words) {
      INFO(word);
      CHECK(load_choice(row, word).mistakes == std::vector<std::string>{});
      CHECK(load_choice(row, word + "?").mistakes.size() == 1);
    }
    const std::string path = path_of(row.section) + "." + row.field + (row.is_list ? "[0]" : "");
    for (const ordered_json& bad :
         {ordered_json("zzzzzzzzzzzz"), ordered_json(true), ordered_json::object()}) {
      INFO(bad.dump());
      const outcome refused = load_choice(row, bad);
      REQUIRE(refused.mistakes.size() == 1);
      INFO(refused.mistakes[0]);
      CHECK(refused.mistakes[0].find(": " + path + ": ") != std::string::npos);
      if (bad.is_string()) CHECK(refused.mistakes[0].find("'zzzzzzzzzzzz'") != std::string::npos);
      const std::string known = "(known: " + joined(row.words) + ")";
      const bool is_text_wanted = row.section == std::string("session") && !bad.is_string();
      constexpr std::size_t most_listed = 12;  // beside a text that is none of them
      const bool is_listed = !bad.is_string() || row.words.size() <= most_listed;
      if (!is_text_wanted && is_listed) CHECK(refused.mistakes[0].ends_with(known));
    }
  }
}

// A choice that is added to the table needs a row above.
TEST_CASE("each choice has its row", "[choices]") {
  std::set<std::string> known;
  for (const choice_row& row : choices) known.insert(std::string(row.section) + "." + row.field);
  std::size_t found = 0;
  for_each_section([&](const section& each) {
    for (const field& one : each.fields) {
      const ordered_json& schema = one.type.schema;
      if (!schema.contains("enum") && !schema.value("items", ordered_json::object()).contains("enum"))
        continue;
      ++found;
      INFO(each.id << "." << one.name);
      CHECK(known.contains(each.id + "." + one.name));
    }
  });
  CHECK(found == known.size());
}

// Each word means what it says.
TEST_CASE("the words of choices arrive as their values", "[choices]") {
  const auto session = [](const std::string& id, const ordered_json& fields) {
    return load_good(document_with(id, fields), "f.json").sessions.at(0);
  };
  const auto all = [](const std::string& format, const std::string& level) {
    return load_good(document_with("log", {{"format", format}, {"level", level}}), "f.json").log;
  };
  CHECK(all("auto", "debug").format == log_format::automatic);
  CHECK(all("text", "debug").format == log_format::text);
  CHECK(all("json", "debug").format == log_format::json);
  CHECK(all("auto", "debug").level == log_level::debug);
  CHECK(all("auto", "info").level == log_level::info);
  CHECK(all("auto", "warning").level == log_level::warning);
  CHECK(all("auto", "error").level == log_level::error);
  const std::pair<const char*, jitter_kind> jitters[] = {
      {"none", jitter_kind::none}, {"half", jitter_kind::half}, {"full", jitter_kind::full}};
  for (const auto& [word, kind] : jitters) {
    CHECK(session("reconnect", {{"jitter", word}}).reconnect.jitter == kind);
    CHECK(session("fault_rule", {{"jitter", word}}).reconnect.faults.at(0).jitter == kind);
  }
  const std::pair<const char*, liveness_action> actions[] = {{"log", liveness_action::log},
                                                             {"resubscribe", liveness_action::resubscribe},
                                                             {"reconnect", liveness_action::reconnect}};
  for (const auto& [word, action] : actions) {
    CHECK(session("heartbeat", {{"action", word}}).liveness.heartbeat->action == action);
    CHECK(session("fresh", {{"action", word}}).liveness.fresh.at(0).action == action);
    CHECK(session("sequence", {{"action", word}}).liveness.sequence.at(0).action == action);
    CHECK(session("lag_limit", {{"action", word}}).liveness.lag.value().action == action);
  }
  const std::pair<const char*, protocol::time_unit> units[] = {{"s", protocol::time_unit::s},
                                                               {"ms", protocol::time_unit::ms},
                                                               {"us", protocol::time_unit::us},
                                                               {"ns", protocol::time_unit::ns}};
  for (const auto& [word, unit] : units) CHECK(session("lag", {{"unit", word}}).lag.value().unit == unit);
  const std::pair<const char*, offline_policy> policies[] = {
      {"fail", offline_policy::fail}, {"drop", offline_policy::drop}, {"queue", offline_policy::queue}};
  for (const auto& [word, policy] : policies)
    CHECK(session("command", {{"offline", word}}).commands.at("to_free").offline == policy);
  CHECK(session("tls", {{"min_version", "1.2"}}).tls.min_version == tls_version::v1_2);
  CHECK(session("tls", {{"min_version", 1.3}}).tls.min_version == tls_version::v1_3);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const auto kind = static_cast<fault_class>(i);
    CHECK(session("reconnect", {{"fatal", {faults[i]}}}).reconnect.fatal == std::set{kind});
    CHECK(name_of(kind) == faults[i]);
  }
  CHECK(name_of(static_cast<fault_class>(faults.size())) == "unknown");
}

// `until` is a word beside `wait`, values beside `repeat`; `repeat` is a number or a word.
TEST_CASE("words that stand in place of other values", "[choices]") {
  const auto mistakes = [](const char* lines) {
    std::vector<std::string> all =
        load_document(session_of(std::string("    script: [") + lines + "]\n")).mistakes;
    for (std::string& each : all) each.erase(0, each.find(": ") + 2);
    return all;
  };
  using list = std::vector<std::string>;
  const auto waits = [](const char* word) {
    const auto text = std::string("    script: [{wait: [{sleep: 0}], until: ") + word + "}]\n";
    return std::get<wait_step>(load_good(session_of(text)).sessions[0].script[0].action).until;
  };
  CHECK(waits("all") == wait_until::all);
  CHECK(waits("first") == wait_until::first);
  CHECK(waits("first_error") == wait_until::first_error);
  CHECK(mistakes("{wait: [{sleep: 0}], until: fisrt}") ==
        list{"sessions.s.script[0].until: 'fisrt' is not a known value (did you mean 'first'?)"});
  CHECK(mistakes("{wait: [{sleep: 0}], until: none}") ==
        list{"sessions.s.script[0].until: 'none' is not a known value (known: all, first, first_error)"});
  CHECK(mistakes("{wait: [{sleep: 0}], until: 1}") ==
        list{"sessions.s.script[0].until: expected a text, found an integer (known: all, first, "
             "first_error)"});
  CHECK(mistakes("{wait: [{sleep: 0}], until: {a: 1}}") ==
        list{"sessions.s.script[0].until: 'until' must be a word when used with 'wait' (all, first or "
             "first_error)"});
  CHECK(mistakes("{repeat: 2, until: all, do: {sleep: 0}}") ==
        list{"sessions.s.script[0].until: 'until' must be a map when used with 'repeat' (variables, or "
             "reply.FIELD, and "
             "their values)"});
  const auto rounds = [](const char* times) {
    const auto text = std::string("    script: [{repeat: ") + times + ", do: {sleep: 0}}]\n";
    return std::get<repeat_step>(load_good(session_of(text)).sessions[0].script[0].action).times;
  };
  CHECK(rounds("forever") == 0);
  CHECK(rounds("3") == 3);
  CHECK(mistakes("{repeat: 0, do: {sleep: 0}}") ==
        list{"sessions.s.script[0].repeat: 0 repetitions are not allowed (allowed: 1 to 1000000000000000, or "
             "forever)"});
  CHECK(rounds("1000000000000000") == 1'000'000'000'000'000);
  CHECK(mistakes("{repeat: 1000000000000001, do: {sleep: 0}}") ==
        list{"sessions.s.script[0].repeat: 1000000000000001 repetitions are not allowed (allowed: 1 to "
             "1000000000000000, or forever)"});
  CHECK(mistakes("{repeat: for_ever, do: {sleep: 0}}") ==
        list{"sessions.s.script[0].repeat: expected an integer, found a text (or forever)"});
}

}  // namespace duplexd::config::testing
