// How single values are written: what each form takes, what it refuses, and what it says then.
#include <set>

#include "tests/catch.hpp"
#include "tests/config/sections.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

namespace {

using list = std::vector<std::string>;

/// Mistakes of a session with this line, from the path on: what stands before it is the place.
list mistakes(const std::string& line) {
  list all = load_document(session_of("    " + line + "\n"), "f", true).mistakes;
  for (std::string& each : all) each.erase(0, each.find("sessions.s.") + 11);
  return all;
}

}  // namespace

// A value of another kind is refused at its place, whatever the field.
TEST_CASE("each field refuses a value of another kind", "[forms]") {
  const std::pair<const char*, ordered_json> wrong[] = {
      {"boolean", "yes"},
      {"integer", "x"},
      {"number", "x"},
      {"duration", ordered_json::array()},
      {"duration with references", ordered_json::array()},
      {"size", ordered_json::array()},
      {"text", 5},
      {"text with references", 5},
      {"path with references", 5},
      {"URL with references", 5},
      {"URL with references, or a list of them", 5},
      {"name", true},
      {"name or list of names", 5},
      {"version", 5},
      {"pin", 5},
      {"map", 5},
      {"map of any values with references", 5},
      {"map of texts with references", 5},
      {"name or map", 5},
      {"word or map", 5},
      {"number, or forever", "x"},
  };
  std::size_t tried = 0;
  for_each_section([&](const section& each) {
    for (const field& one : each.fields) {
      if (one.type.name == "any value with references" || one.type.inner != nullptr) continue;
      ordered_json value;
      for (const auto& [type, bad] : wrong)
        if (one.type.name == type) value = bad;
      if (one.type.name.starts_with("list of") || one.type.name.starts_with("map of")) value = 5;
      if (value.is_null()) continue;
      ++tried;
      INFO(each.id << "." << one.name << ": " << one.type.name);
      const outcome result = load_document(document_with(each.id, {{one.name, value}}), "f.json", true);
      const std::string path = path_of(each.id) + (each.id == "document" ? "" : ".") + one.name + ": ";
      CHECK(std::any_of(result.mistakes.begin(), result.mistakes.end(),
                        [&](const std::string& text) { return text.find(path) != std::string::npos; }));
    }
  });
  CHECK(tried > 120);
}

TEST_CASE("each required field must be there", "[forms]") {
  const std::pair<const char*, const char*> required[] = {
      {"document", "sessions"},  {"session", "url"},         {"template", "session"},
      {"fault_rule", "on"},      {"heartbeat", "every"},     {"fresh", "reply"},
      {"fresh", "within"},       {"sequence", "reply"},      {"sequence", "field"},
      {"active", "windows"},     {"handler", "reply"},       {"handler", "do"},
      {"http", "url"},           {"simulate_login", "send"}, {"simulate_answer", "to"},
      {"simulate_push", "send"}, {"subprotocols", "names"},  {"digest", "username"},
      {"digest", "password"},    {"output", "type"},         {"route", "to"},
      {"sign", "header"},        {"sign", "secret"},         {"health", "listen"},
      {"for_each", "in"},        {"for_each", "as"},         {"for_each", "do"},
      {"emit", "reply"},         {"emit", "data"},           {"stream", "send"},
      {"pbkdf2", "password"},    {"pbkdf2", "salt"},         {"pbkdf2", "iterations"},
      {"lag", "reply"},          {"lag", "field"},           {"lag_limit", "at_most"}};
  for (const auto& [id, name] : required) {
    INFO(id << "." << name);
    ordered_json document = ordered_json::parse(document_with(id, ordered_json::object()));
    std::string pointer;
    for (const char c : path_of(id)) {
      if (c == '.' || c == '[')
        pointer += '/';
      else if (c != ']')
        pointer += c;
    }
    document[ordered_json::json_pointer(pointer.empty() ? "" : "/" + pointer)].erase(name);
    const list all = load_document(document.dump(), "f.json").mistakes;
    const std::string told = std::string("the field '") + name + "' is missing";
    CHECK(std::any_of(all.begin(), all.end(),
                      [&](const std::string& text) { return text.find(told) != std::string::npos; }));
  }
  std::size_t found = 0;
  for_each_section([&](const section& each) {
    for (const field& one : each.fields) found += one.is_required ? 1 : 0;
  });
  CHECK(found == std::size(required));
}

TEST_CASE("headers of a request", "[forms]") {
  const auto told = [](const std::string& name) { return mistakes("headers: {'" + name + "': x}"); };
  for (const char* good : {"A", "x-1", "!#$%&'*+-.^_`|~", "Sec-WebSocke", "Host", "Connections"}) {
    std::string name = good;
    for (std::size_t at = name.find('\''); at != std::string::npos; at = name.find('\'', at + 2))
      name.insert(at, "'");
    INFO(good);
    CHECK(told(name).empty());
  }
  for (const char* own : {"Connection", "UPGRADE", "content-length", "Transfer-Encoding", "Sec-WebSocket-Key",
                          "sec-websocket-x", "Sec-WebSocket-Version"}) {
    INFO(own);
    CHECK(told(own) ==
          list{std::string("headers.") + own + ": this header belongs to the WebSocket handshake"});
  }
  CHECK(told("Sec-WebSocket-Protocol") ==
        list{"headers.Sec-WebSocket-Protocol: this header is set by the field 'subprotocols'"});
  for (const char* bad : {"a b", "a:b", "(a)", "a/b", "", "\xC3\xA4", "a@b", "a[b", "a{b", "a\"b"}) {
    INFO(bad);
    CHECK(told(bad) ==
          list{std::string("headers.") + bad + ": a header name consists of letters, digits and '-'"});
  }
  CHECK(mistakes("headers: [a]") ==
        list{"headers: expected a map, found a list (such as {Authorization: \"Bearer ${env:TOKEN}\"})"});
  CHECK(mistakes("headers: {A: \"x\\ny\"}") == list{"headers.A: a header's value must be a single line"});
  CHECK(mistakes("headers: {A: \"x\\ry\"}") == list{"headers.A: a header's value must be a single line"});
  CHECK(mistakes("headers: {A: \"x\\ty\"}").empty());
  CHECK(mistakes("headers: {A: \"${env:A}\\n\"}").size() == 1);
}

TEST_CASE("tokens", "[forms]") {
  for (const char* good : {"mqtt", "a.b", "!#$%&*+-^_`|~", "0"})
    CHECK(mistakes(std::string("subprotocols: ['") + good + "']").empty());
  for (const char* bad : {"", "a b", "a,b", "a/b", "a:b", "a@b", "a[b", "a{b"})
    CHECK(mistakes(std::string("subprotocols: ['") + bad + "']") ==
          list{std::string("subprotocols[0]: '") + bad +
               "' is not a valid token (use letters, digits and !#$%&'*+-.^_`|~, no spaces)"});
}

// 44 characters of base64 are 32 bytes; the last is the padding.
TEST_CASE("pins", "[forms]") {
  const std::string digits = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
  const auto is_pin = [](const std::string& text) {
    return mistakes("tls: {pins: ['" + text + "']}").empty();
  };
  CHECK(is_pin("sha256:" + digits + "="));
  CHECK_FALSE(is_pin("sha256:" + digits));
  CHECK_FALSE(is_pin("sha256:" + digits + "=="));
  CHECK_FALSE(is_pin("sha256:" + digits + "A"));
  CHECK_FALSE(is_pin("sha256:" + digits.substr(1) + "=="));
  CHECK_FALSE(is_pin("sha256:" + digits.substr(1) + "="));
  CHECK_FALSE(is_pin("sha256:" + digits + "A="));
  CHECK_FALSE(is_pin("sha256:-" + digits.substr(1) + "="));
  CHECK_FALSE(is_pin("sha257:" + digits + "="));
  CHECK_FALSE(is_pin(digits + "="));
  CHECK_FALSE(is_pin("sha256:" + digits.substr(0, 20) + "=" + digits.substr(21) + "="));
}

TEST_CASE("faults of a rule", "[forms]") {
  const auto told = [](const std::string& fault) {
    return mistakes("reconnect: {faults: [{on: ['" + fault + "']}]}");
  };
  for (const char* good : {"http", "http:100", "http:599", "http:100-599", "http:429-429", "closed",
                           "closed:1000", "closed:4999", "closed:1000-4999", "tls", "lost"}) {
    INFO(good);
    CHECK(told(good).empty());
  }
  for (const char* bad : {"http:99",         "http:600",         "http:99-200",
                          "http:500-600",    "http:429-428",     "http:",
                          "http:x",          "http:4x",          "http:429-",
                          "http:-429",       "http:429-x",       "http:429-430-431",
                          "http:65636",      "closed:999",       "closed:5000",
                          "closed:999-1001", "closed:4000-5000", "closed:4001-4000",
                          "tls:100",         "lost:1000",        "login_rejected:401"}) {
    INFO(bad);
    CHECK(told(bad) == list{std::string("reconnect.faults[0].on[0]: '") + bad +
                            "' is not a fault (such as http:429, http:500-599 or closed:4001)"});
  }
  CHECK(told("htpt") ==
        list{"reconnect.faults[0].on[0]: 'htpt' is not a known value (did you mean 'http'?)"});
  CHECK(mistakes("reconnect: {faults: [{on: [5]}]}") ==
        list{"reconnect.faults[0].on[0]: expected a text, found an integer (known: secret, resolve, connect, "
             "tls, "
             "http, login_rejected, closed, lost, protocol_error, liveness, script)"});
  CHECK(mistakes("reconnect: {faults: [{on: []}]}") ==
        list{"reconnect.faults[0].on: the list is empty: the rule fits no fault"});
}

TEST_CASE("the close frame", "[forms]") {
  CHECK(mistakes("close: {reason: '" + std::string(123, 'x') + "'}").empty());
  CHECK(mistakes("close: {reason: '" + std::string(121, 'x') + "\xC3\xA4'}").empty());
  CHECK(mistakes("close: {reason: '" + std::string(122, 'x') + "\xC3\xA4'}") ==
        list{"close.reason: the reason has 124 bytes of UTF-8 (allowed: 123 bytes)"});
  CHECK(mistakes("close: {code: 4999}").empty());
  CHECK(mistakes("close: {code: 5000}") ==
        list{"close.code: a client cannot close with 5000 (allowed: 1000 and 3000 to 4999)"});
}

TEST_CASE("versions of TLS, names and lists", "[forms]") {
  for (const char* good : {"1.2", "'1.2'", "1.3", "'1.3'"})
    CHECK(mistakes(std::string("tls: {min_version: ") + good + "}").empty());
  CHECK(mistakes("tls: {min_version: 1.1}") ==
        list{"tls.min_version: '1.1' is not a supported TLS version (known: 1.2, 1.3)"});
  CHECK(mistakes("tls: {min_version: [1.2]}").size() == 1);
  CHECK(mistakes("tls: {ca_file: ''}") == list{"tls.ca_file: a path cannot be empty"});
  CHECK(mistakes("tls: {server_name: 5}") ==
        list{"tls.server_name: expected a text, found an integer (use quotes if this is meant as a text)"});
  CHECK(mistakes("tls: {server_name: [a]}") == list{"tls.server_name: expected a text, found a list"});
  CHECK(mistakes("tls: {verify: 1}") == list{"tls.verify: expected true or false, found an integer"});
  CHECK(mistakes("login: {json: 1, expect: []}").at(0) == "login.expect: the list of names is empty");
  CHECK(mistakes("linger: 500") == list{"linger: '500' is not a duration (add the unit: ms, s, m or h)"});
  CHECK(mistakes("linger: 5x") == list{"linger: '5x' is not a duration (such as 500ms, 5s, 1m30s or 2h)"});
  CHECK(mistakes("limits: {message: [1]}") ==
        list{"limits.message: expected a size, found a list (such as 65536, 64KB, 16MiB)"});
  CHECK(mistakes("limits: 5").at(0) ==
        "limits: expected a map, found an integer (fields: message, frame, json_depth, inbox, variables, "
        "durable_variables, sequences, calls, tasks, kdf_iterations)");
  CHECK(mistakes("commands: [a]") == list{"commands: expected a map, found a list"});
  CHECK(mistakes("rate: {messages: .inf}") == list{"rate.messages: expected a number, found a number"});
  CHECK(mistakes("rate: {burst: 1.0}") == list{"rate.burst: expected an integer, found a number"});
  CHECK(mistakes("login: {send: go, with: [1]}").at(1) ==
        "login.with: expected a map, found a list (field: value, as the command's layout names them)");
  CHECK(mistakes("login: {json: [1, 1e999, 18446744073709551616]}") ==
        list{"login.json[1]: JSON cannot hold the number 1e999: put it in quotes if a text is meant",
             "login.json[2]: JSON cannot hold the number 18446744073709551616: put it in quotes if a text is "
             "meant"});
  CHECK(mistakes("script: [{expect: r, save: {a: '${env:A}'}}]").at(0) ==
        "script[0].save.a: references are not allowed in this field (write '$${' for a literal '${')");
}

// What is built from a list of names goes on after a mistake in it.
TEST_CASE("a list of names without a good one is a mistake and nothing worse", "[forms]") {
  for (const char* line :
       {"login: {json: 1, expect: @}", "login: {json: 1, expect: r, reject: @}", "script: {expect: @}",
        "script: {call: go, reply: @}", "on: [{reply: @, do: []}]", "commands: {go: {confirm: @}}",
        "liveness: {heartbeat: {every: 1s, json: 1, expect: @}}"}) {
    INFO(line);
    std::string text = line;
    const std::size_t at = text.find('@');
    const auto told = [&](const char* names) {
      const list all = mistakes(std::string(text).replace(at, 1, names));
      return std::count_if(all.begin(), all.end(), [](const std::string& each) {
        return each.find("the list of names is empty") != std::string::npos ||
               each.find("expected a text, found an integer") != std::string::npos;
      });
    };
    CHECK(told("[]") == 1);
    CHECK(told("[5]") == 1);
  }
}

// 60 bytes of a text are shown, and no half characters.
TEST_CASE("long texts are cut in messages", "[forms]") {
  CHECK(in_quotes(std::string(60, 'x')) == "'" + std::string(60, 'x') + "'");
  CHECK(in_quotes(std::string(61, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(in_quotes(std::string(59, 'x') + "ä") == "'" + std::string(59, 'x') + "…'");
  CHECK(in_quotes(std::string(58, 'x') + "ä") == "'" + std::string(58, 'x') + "ä'");
  CHECK(in_quotes("a\nb\rc\td") == "'a b c d'");
  CHECK(in_quotes("") == "''");
}

// What a reference to the running session stands for is not known yet; what stands around it is.
TEST_CASE("texts with references are looked at as far as they are known", "[forms]") {
  const auto all = [](const std::string& lines) {
    list found = load_document(session_of("    script: [{set: {x: 1}}]\n    " + lines + "\n")).mistakes;
    for (std::string& each : found) each.erase(0, each.find("sessions.s.") + 11);
    return found;
  };
  const std::string scheme = "a URL must start with https:// or http:// (after replacing its references)";
  CHECK(all("before: [{http: {url: 'ftp://h/${var:x}'}}]") == list{"before[0].http.url: " + scheme});
  CHECK(all("before: [{http: {url: 'http://h/${var:x}'}}]").empty());
  CHECK(all("before: [{http: {url: '${var:x}'}}]").empty());
  CHECK(all("headers: {A: \"a\\n${var:x}\"}") == list{"headers.A: a header's value must be a single line"});
  CHECK(all("headers: {A: \"a${var:x}\"}").empty());
  const environment_variable value("DUPLEXD_T", "h");
  CHECK(all("before: [{http: {url: 'ftp://${env:DUPLEXD_T}'}}]") == list{"before[0].http.url: " + scheme});
  CHECK(all("before: [{http: {url: '${env:DUPLEXD_T}'}}]") == list{"before[0].http.url: " + scheme});
}

// An empty value is told once, `~` of a required field as the field that is missing.
TEST_CASE("values that are not there", "[forms]") {
  const auto all = [](const char* url) {
    return load_document(std::string("sessions: {s: {url: ") + url + "}}").mistakes;
  };
  CHECK(all("") == list{"f:1:16: sessions.s.url: the value is missing (use ~ for the built-in default)"});
  CHECK(all("~") == list{"f:1:12: sessions.s: the field 'url' is missing"});
  CHECK(all("null") == list{"f:1:12: sessions.s: the field 'url' is missing"});
}

TEST_CASE("fields that exclude each other", "[forms]") {
  CHECK(mistakes("proxy: {url: 'http://p:1', from_env: true}") ==
        list{"proxy: 'url' and 'from_env' cannot be used together (give one of: url, from_env)"});
  CHECK(mistakes("proxy: {}") == list{"proxy: a required field is missing (give one of: url, from_env)"});
  CHECK(mistakes("proxy: {url: ~, from_env: true}").empty());
  CHECK(mistakes("proxy: {url: }") ==
        list{"proxy.url: the value is missing (use ~ for the built-in default)"});
  CHECK(mistakes("login: {json: 1, send: a}").at(0) ==
        "login: 'json' and 'send' cannot be used together (give one of: json, send, steps)");
  CHECK(mistakes("liveness: {heartbeat: {every: 1s}}") ==
        list{"liveness.heartbeat: a required field is missing (give one of: send, json)"});
  const std::pair<const char*, const char*> alone[] = {
      {"login: {json: 1, with: {}}", "login.with: 'with' is only allowed with 'send'"},
      {"login: {json: 1, where: {}}", "login.where: 'where' is only allowed with 'expect'"},
      {"login: {json: 1, reject: a}", "login.reject: 'reject' is only allowed with 'expect' or 'steps'"},
      {"tls: {key_file: /k}", "tls.key_file: 'key_file' is only allowed with 'cert_file'"},
      {"tls: {key_password: k}", "tls.key_password: 'key_password' is only allowed with 'cert_file'"},
      {"proxy: {from_env: true, username: u}", "proxy.username: 'username' is only allowed with 'url'"},
      {"proxy: {url: 'http://p:1', password: u}",
       "proxy.password: 'password' is only allowed with 'username'"},
      {"with: {a: 1}", "with: 'with' is only allowed with 'template'"},
      {"liveness: {heartbeat: {every: 1s, json: 1, timeout: 1s}}",
       "liveness.heartbeat.timeout: 'timeout' is only allowed with 'expect'"}};
  for (const auto& [line, told] : alone) CHECK(mistakes(line).at(0) == told);
}

}  // namespace duplexd::config::testing
