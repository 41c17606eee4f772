// The field table, part: what a session says, the login and the script.
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

namespace {

struct http_url_parser : value_parser<text_template> {
  static bool read(const value_at& at, text_template& out, reading& in) {
    return read_checked(at, out, in, [](const std::string& text) {
      std::string error;
      static_cast<void>(parse_http_url(text, error));
      return error;
    });
  }
};

}  // namespace

template <>
const section& section_of<parsed_login>() {
  using s = parsed_login;
  const fields_of<s> make;
  static const section fields{
      "login",
      "What is sent first on each link, and the reply that grants entry. Nothing else is sent before it.",
      {
          make("json", &s::json, "Sent as a text message.")
              .example({{"role", "admin"}, {"user_id", "${env:AGENT_ID}"}}),
          make("send", &s::send, "A command of the protocol to send instead.").example("log_on"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"token", "${credential:token}"}}),
          make("steps", &s::steps, "Steps instead, such as the answer to a challenge.")
              .example(nlohmann::ordered_json::array(
                  {{{"expect", "challenge"}},
                   {{"send", "answer"},
                    {"with", {{"proof", "${reply:nonce | hmac_sha256(credential:key) | hex}"}}}}})),
          make("expect", &s::expect, "The reply to wait for, `timeouts.login` long.").example("welcome"),
          make("where", &s::match,
               "Values that this reply must have; with others the login counts as rejected.")
              .map_only()
              .only_beside({"expect"})
              .example({{"status", "ok"}}),
          make("reject", &s::reject, "Replies that mean that the login is rejected.")
              .example("error")
              .only_beside({"expect"}),
      },
      false,
      {"json", "send", "steps"}};
  return fields;
}

template <>
const section& section_of<parsed_http>() {
  using s = parsed_http;
  const fields_of<s> make;
  static const section fields{
      "http",
      "An HTTP request. Its result has `status`, `headers` (names in lower case) and `body` (JSON if it is "
      "JSON, else text). A status of 400 or more is a fault.",
      {
          make.as<token_parser>("method", &s::method, "The method."),
          make.as<http_url_parser>("url", &s::url, "The address, https:// or http://.")
              .required()
              .example("https://api.test.com/token"),
          make.as<headers_parser>("headers", &s::headers, "Headers of the request.")
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make("json", &s::json, "The body, as application/json.").example({{"id", "${env:AGENT_ID}"}}),
          make("body", &s::body, "The body, as it is.").example("grant_type=client_credentials").apart(),
          make("timeout", &s::timeout, "How long all of it may take.").range(1, an_hour, "1ms to 1h"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_step>() {
  using s = parsed_step;
  const fields_of<s> make;
  using json = nlohmann::ordered_json;
  static const section fields{
      "step",
      "One step: exactly one of the verbs, and what goes with it. See scripts.md.",
      {
          make("sleep", &s::sleep, "Wait.").example("500ms"),
          make("send", &s::send, "Send this command of the protocol.").example("set_service"),
          make("call", &s::call,
               "Send this command and wait for the reply that answers it: `reply`, and `where` or "
               "`correlate`.")
              .example("get_quote"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send", "call"})
              .example({{"services", {"first", "test"}}}),
          make("reply", &s::reply, "The reply that answers the call, or any of several.")
              .only_beside({"call"})
              .example("quote"),
          make("json", &s::json, "Send this as a text message.").example({{"op", "ping"}}),
          make("echo", &s::echo, "In a handler: send the message that it was called for back as it came.")
              .example(true),
          make("expect", &s::expect,
               "Wait for this reply, or any of several; that it does not come is a `script` fault. What came "
               "since the last `send` counts.")
              .example("reply"),
          make("where", &s::match, "Only replies with these values; see scripts.md for what can be asked.")
              .map_only()
              .only_beside({"expect", "call"})
              .example({{"code", 2}}),
          make("check", &s::check, "Values that the reply must have, else it is a fault.")
              .map_only()
              .only_beside({"expect", "call"})
              .example({{"status", "ok"}}),
          make("correlate", &s::correlate,
               "Fields of the command, and the fields of the reply that must be equal.")
              .map_only()
              .only_beside({"call"})
              .example({{"id", "request_id"}}),
          make("count", &s::count, "So many replies; the result is a list if there are several.")
              .only_beside({"expect", "call"})
              .range(1, 65'535, "1 to 65535"),
          make("retries", &s::retries,
               "How often the command is sent again when no reply came in time; only for commands that "
               "`commands` calls idempotent.")
              .only_beside({"call"})
              .range(0, 1'000, "0 to 1000"),
          make("every", &s::every, "Carry `do` out again and again, this often; ends only when cancelled.")
              .example("30s"),
          make("jitter", &s::jitter, "Share of the interval by which it varies: 0.1 is up to 10 %.")
              .only_beside({"every"})
              .range(0, 1, "0 to 1"),
          make.as<branches_parser>(
                  "gather", &s::gather,
                  "Run all branches at once, until all have ended; the results are a list in "
                  "their order. The first fault cancels the others.")
              .example(json::array({{{"call", "get_orders"}, {"reply", "orders"}},
                                    {{"call", "get_trades"}, {"reply", "trades"}}})),
          make.as<branches_parser>("race", &s::race,
                                   "Run all branches at once; the first that ends cancels the others.")
              .example(json::array({{{"expect", "ready"}}, {{"sleep", "5s"}}})),
          make.as<tasks_parser>("wait", &s::wait,
                                "Wait for tasks, by name or started here, as `until` says. Cancels nothing.")
              .example({"warm_up"}),
          make("until", &s::until,
               "Beside `wait`: all, first or first_error. Beside `repeat`: variables and the values with "
               "which it ends.")
              .only_beside({"wait", "repeat"})
              .example("first")
              .apart(),
          make("spawn", &s::spawn, "Start `do` in the background as a task of this name.").example("warm_up"),
          make("cancel", &s::cancel, "End a task, and wait for its end.").example("warm_up"),
          make("set", &s::set, "Give variables values.").map_only().example({{"symbol", "EURUSD"}}),
          make("http", &s::http, "An HTTP request.").example({{"url", "https://api.test.com/token"}}),
          make("exec", &s::exec,
               "Run a program (no shell) beside the loop; it reads `input` as JSON and writes JSON.")
              .example({"/usr/bin/sign", "--key", "${credential:key}"}),
          make("input", &s::input, "What the program reads.")
              .only_beside({"exec"})
              .example({{"challenge", "${reply:nonce}"}}),
          make("timeout", &s::timeout, "The step is cancelled when it takes longer: a `script` fault.")
              .example("5s"),
          make("if", &s::condition, "Variables, or `reply.FIELD`, and the values that they must have.")
              .map_only()
              .example({{"reply.status", "ok"}}),
          make("then", &s::then, "Carried out if they have.")
              .only_beside({"if"})
              .example(json::array({{{"send", "to_free"}}})),
          make("else", &s::otherwise, "Carried out if they have not.")
              .only_beside({"if"})
              .example(json::array({{{"fail", "not ready"}}})),
          make.as<rounds_parser>("repeat", &s::repeat, "Carry `do` out so many times.").example(10),
          make("do", &s::body, "The steps of `every`, `spawn` and `repeat`.")
              .only_beside({"every", "spawn", "repeat"})
              .example(json::array({{{"send", "ping"}}})),
          make("fail", &s::fail, "End the link with a `script` fault that says this.").example("no quotes"),
          make("reconnect", &s::reconnect, "Leave the link in order and make a new one at once; say why.")
              .example("the server asked for it"),
          make("save", &s::save,
               "Variables, and the paths of their values in the step's result; `*` is all of it.")
              .map_only()
              .only_beside({"expect", "call", "http", "exec", "gather", "race", "wait"})
              .example({{"token", "access_token"}}),
          make("on_fault", &s::on_fault,
               "Carried out when the step fails by a `script` fault, instead of it.")
              .example(json::array({{{"send", "to_free"}}})),
      },
      false,
      {"sleep", "send", "call", "json", "echo", "expect", "every", "gather", "race", "wait", "spawn",
       "cancel", "set", "http", "exec", "if", "repeat", "fail", "reconnect"}};
  return fields;
}

template <>
const section& section_of<parsed_handler>() {
  using s = parsed_handler;
  const fields_of<s> make;
  static const section fields{
      "handler",
      "Steps that a reply starts each time it comes, one after the other; `${reply:FIELD}` is its value.",
      {
          make("reply", &s::reply, "The reply, or any of several.").required().example("call"),
          make("where", &s::match, "Only replies with these values.")
              .map_only()
              .example({{"action", "Reset"}}),
          make("do", &s::body, "The steps.")
              .required()
              .example(nlohmann::ordered_json::array({{{"echo", true}}})),
      }};
  return fields;
}

}  // namespace duplexd::config
