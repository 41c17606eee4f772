#include "tests/config/sections.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "config/fields/fields.hpp"
#include "tests/catch.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

namespace {

struct section_place {
  const char* id;
  const char* pointer;
  const char* needs;  ///< fields without which the section is not good
};

const section_place places[] = {
    {"document", "", "{}"},
    {"log", "/log", "{}"},
    {"shutdown", "/shutdown", "{}"},
    {"connect", "/connect", "{}"},
    {"health", "/health", R"({"listen": "127.0.0.1:0"})"},
    {"control", "/control", R"({"listen": "127.0.0.1:0", "token": "t"})"},
    {"output", "/outputs/o", R"({"type": "file", "path": "f"})"},
    {"journal", "/journal", "{}"},
    {"rotate", "/outputs/f/rotate", "{}"},
    {"batch", "/outputs/h/batch", "{}"},
    {"broker_commands", "/outputs/m/commands", "{}"},
    {"sign", "/outputs/h/sign", R"({"header": "X", "secret": "k"})"},
    {"keep", "/outputs/f/keep", "{}"},
    {"route", "/sessions/s/outputs/0", R"({"to": "stdout", "replies": ["tick"]})"},
    {"template", "/templates/t", R"({"session": {}})"},
    {"session", "/sessions/s", "{}"},
    {"subprotocols", "/sessions/s/subprotocols", R"({"names": ["mqtt"]})"},
    {"tls", "/sessions/s/tls", "{}"},
    {"timeouts", "/sessions/s/timeouts", "{}"},
    {"reconnect", "/sessions/s/reconnect", R"({"initial": "1ms", "maximum": "24h"})"},
    {"fault_rule", "/sessions/s/reconnect/faults/0", R"({"on": ["tls"]})"},
    {"liveness", "/sessions/s/liveness", "{}"},
    {"heartbeat", "/sessions/s/liveness/heartbeat", R"({"every": "1s", "json": {}, "expect": "pong"})"},
    {"fresh", "/sessions/s/liveness/fresh/0", R"({"reply": "tick", "within": "1s"})"},
    {"sequence", "/sessions/s/liveness/sequence/0", R"({"reply": "trade", "field": "seq"})"},
    {"lag", "/sessions/s/lag", R"({"reply": "tick", "field": "price"})"},
    {"lag_limit", "/sessions/s/liveness/lag", R"({"at_most": "10s"})"},
    {"limits", "/sessions/s/limits", "{}"},
    {"rate", "/sessions/s/rate", "{}"},
    {"command", "/sessions/s/commands/to_free", R"({"confirm": "reply"})"},
    {"outbox", "/sessions/s/outbox", "{}"},
    {"variable", "/sessions/s/variables/last", R"({"initial": 0})"},
    {"active", "/sessions/s/active", R"({"windows": ["00:00-24:00"]})"},
    {"renew", "/sessions/s/renew", R"({"after": "48h"})"},
    {"login", "/sessions/s/login", R"({"json": {}})"},
    {"handler", "/sessions/s/on/1", R"({"reply": "call", "do": []})"},
    {"step", "/sessions/s/on/0/do/0", "{}"},
    {"http", "/sessions/s/before/0/http", R"({"url": "https://h/"})"},
    {"digest", "/sessions/s/script/2/http/digest", R"({"username": "u", "password": "p"})"},
    {"for_each", "/sessions/s/script/3/for_each", R"({"in": [1], "as": "trade", "do": [{"sleep": 0}]})"},
    {"emit", "/sessions/s/script/4/emit", R"({"reply": "tick", "data": {"price": 1}})"},
    {"stream", "/sessions/s/script/5/stream", R"({"file": "f", "send": "audio"})"},
    {"pbkdf2", "/sessions/s/script/6/pbkdf2", R"({"password": "p", "salt": "s", "iterations": 1})"},
    {"close", "/sessions/s/close", "{}"},
    {"simulate", "/sessions/s/simulate", "{}"},
    {"simulate_login", "/sessions/s/simulate/login/0", R"({"send": "welcome"})"},
    {"simulate_answer", "/sessions/s/simulate/answers/0", R"({"to": "to_free"})"},
    {"simulate_push", "/sessions/s/simulate/pushes/0", R"({"send": "tick"})"},
    {"proxy", "/sessions/s/proxy", R"({"url": "http://p:1"})"},
    {"tcp", "/sessions/s/tcp", "{}"},
    {"permessage_deflate", "/sessions/s/permessage_deflate", "{}"},
};

// Values of any name go as JSON.
constexpr const char* whole = R"json({
  "sessions": {"s": {
    "url": "wss://h/",
    "lag": {"reply": "tick", "field": "price"},
    "commands": {"ping": {"idempotent": true}},
    "on": [{"reply": "call", "do": []}],
    "script": [{"spawn": "warm_up", "do": [{"sleep": 0}]},
               {"set": {"interval": 1, "expires_in": 1, "expires_at": 1, "answer": {"trades": [1]}, "last": 1,
                        "challenge": {"salt": "YQ==", "iterations": 1}}},
               {"http": {"url": "https://h/"}}, 
               {"for_each": {"in": [1], "as": "trade", "do": [{"sleep": 0}]}}, {"emit": {"reply": "tick", "data": {"price": 1}}},
               {"stream": {"file": "f", "send": "audio"}},
               {"pbkdf2": {"password": "p", "salt": "s", "iterations": 1}}],
    "protocol": "callcentre"}},
  "outputs": {"f": {"type": "file", "path": "g", "durable": true}, "h": {"type": "http", "url": "https://h/"},
              "m": {"type": "mqtt", "url": "mqtt://h", "topic": "t", "commands": {"topic": "c"}}},
  "templates": {"agent": {"parameters": ["host", "id"], "session": {}}},
  "protocols": {"callcentre": {
      "opcode": {"at": 0, "type": "B"},
      "commands": {"to_free": "op:b=1 symbol:i?=0 id:i?=0", "ping": "op:b=2", "log_on": "token:json", "set_service": "id:i?=0 services:json",
                   "get_quote": "id:i?=0 services:json", "get_orders": "op:b=3", "get_trades": "op:b=4", "subscribe": "op:b=5",
                   "answer": "proof:json", "heartbeat": "seq:i", "audio": "op:b=6 channel:b?=0 data:bytes",
                   "audio_end": "op:b=7 channel:b?=0"},
      "replies": [{"as": "reply", "layout": "_op:B=1 code:i status:json(:H)", "when": {"opcode": 1}}, {"as": "welcome", "layout": "_op:B=2 status:json", "when": {"opcode": 2}},
                  {"as": "tick", "layout": "_op:B=3 price:d", "when": {"opcode": 3}}, {"as": "trade", "layout": "_op:B=4 seq:i time:q@ms symbol:json(:H)", "when": {"opcode": 4}},
                  {"as": "call", "layout": "_op:B=5 action:json(:H) nonce:json(:H) status:json(:H)", "when": {"opcode": 5}}, {"as": "pong", "layout": "_op:B=6 op:json", "when": {"opcode": 6}},
                  {"as": "quote", "layout": "_op:B=7 code:i request_id:i status:json(:H)", "when": {"opcode": 7}}, {"as": "orders", "layout": "_op:B=8 a:i", "when": {"opcode": 8}},
                  {"as": "trades", "layout": "_op:B=9 a:i", "when": {"opcode": 9}}, {"as": "ready", "layout": "_op:B=10 a:i", "when": {"opcode": 10}},
                  {"as": "challenge", "layout": "_op:B=11 nonce:json", "when": {"opcode": 11}}, {"as": "error", "layout": "_op:B=12 a:i", "when": {"opcode": 12}},
                  {"as": "order_accepted", "layout": "_op:B=13 request_id:i status:json(:H)", "when": {"opcode": 13}}]}}})json";

const section_place& place_of(const std::string& id) {
  for (const section_place& each : places)
    if (each.id == id) return each;
  FAIL("no document is known for the section " + id);
  return places[0];
}

/// The type that an output's fields need, and what that needs.
void choose_type(ordered_json& output) {
  const auto has = [&output](std::initializer_list<const char*> names) {
    return std::ranges::any_of(names, [&output](const char* each) { return output.contains(each); });
  };
  const auto become = [&output](const char* type, const char* field, ordered_json value) {
    output["type"] = type;
    output.erase("path");
    if (*field != '\0' && !output.contains(field)) output[field] = std::move(value);
  };
  const auto is = [&output](const char* type) { return output["type"] == type; };
  if (has({"indexes"})) output["type"] = "sqlite";
  if (has({"program", "env", "answers"}) || output["type"] == "exec") become("exec", "program", {"a"});
  if (has({"url", "headers", "body", "batch", "timeout", "dead_letters", "sign", "idempotency"}) ||
      is("http"))
    become("http", "url", "https://h/");
  if (has({"address", "tls"}) || is("tcp")) become("tcp", "address", "h:1");
  if (is("udp")) become("udp", "address", "h:1");
  if (has({"transport", "facility", "structured_data", "severity", "app_name", "socket"}) || is("syslog")) {
    const bool is_local = output.value("transport", ordered_json("unix")) == "unix";
    become("syslog", is_local ? "" : "address", "h:1");
  }
  if (has({"topic", "user", "password", "client_id", "qos", "retain", "keepalive", "ca_file", "cert_file",
           "key_file", "commands"}) ||
      is("mqtt")) {
    become("mqtt", "url", "mqtts://h");
    if (!output.contains("topic")) output["topic"] = "t";
  }
  if (has({"subject", "jetstream", "token", "creds_file"}) || is("nats")) {
    become("nats", "url", "tls://h");
    if (!output.contains("subject")) output["subject"] = "s";
  }
  if (is("postgres")) become("postgres", "url", "postgresql://a/b");
  if (is("journald") || is("stderr")) output.erase("path");
}

std::string document(const std::string& id, const ordered_json& fields, const ordered_json& needs) {
  ordered_json made = ordered_json::parse(whole);
  if (fields.contains("spawn")) made["sessions"]["s"]["script"].erase(0);  // a task has one name
  ordered_json& at = made[ordered_json::json_pointer(place_of(id).pointer)];
  if (at.is_null()) at = ordered_json::object();
  at.update(needs);
  at.update(fields);
  if (id == "stream" && (fields.contains("exec") || fields.contains("stdin"))) at.erase("file");
  if ((id == "output" || id == "route") && at.contains("columns") && !at.contains("format"))
    at["format"] = "csv";
  if ((id == "output" || id == "route") && at.contains("format") && at["format"] == "csv" &&
      !at.contains("columns"))
    at["columns"] = {"time"};
  if ((id == "output" || id == "route") && at.contains("template")) at["format"] = "template";
  if ((id == "output" || id == "route") && at.value("format", ordered_json()) == "template" &&
      !at.contains("template"))
    at["template"] = "x";
  if (id == "output") choose_type(at);
  if (id == "broker_commands" && (at.contains("subject") || at.contains("stream"))) {
    at.erase("topic");
    made["outputs"]["m"].update({{"type", "nats"}, {"url", "nats://h"}, {"subject", "s"}});
    made["outputs"]["m"].erase("topic");
  }
  if (id == "handler") made["sessions"]["s"]["outputs"] = {"f"};  // durable
  if (id == "output" && at["type"] == "stdout") {
    ordered_json own = at;
    own.erase("path");
    made["outputs"] = {{"stdout", std::move(own)}};
  }
  return made.dump();
}

void visit_section(const section& from, std::set<std::string>& seen,
                   const std::function<void(const section&)>& visit) {
  if (!seen.insert(from.id).second) return;
  visit(from);
  for (const field& each : from.fields)
    if (each.type.inner != nullptr) visit_section(*each.type.inner, seen, visit);
}

}  // namespace

void for_each_section(const std::function<void(const section&)>& visit) {
  std::set<std::string> seen;
  visit_section(document_fields(), seen, visit);
}

std::string document_with(const std::string& id, const ordered_json& fields) {
  return document(id, fields, ordered_json::parse(place_of(id).needs));
}

std::string document_with_only(const std::string& id, const ordered_json& fields) {
  return document(id, fields, ordered_json::object());
}

std::string path_of(const std::string& id) {
  std::string path;
  const ordered_json::json_pointer pointer(place_of(id).pointer);
  std::string rest = pointer.to_string();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string part = rest.substr(1, end - 1);
    if (part.find_first_not_of("0123456789") == std::string::npos)
      path += "[" + part + "]";
    else
      path += (path.empty() ? "" : ".") + part;
    rest.erase(0, end);
  }
  return path;
}

}  // namespace duplexd::config::testing
