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
      "The first message on each connection, and the reply that accepts it. Nothing else is sent before "
      "the login is accepted.",
      {
          make("json", &s::json, "A text message to send.")
              .example({{"role", "admin"}, {"user_id", "${env:AGENT_ID}"}}),
          make("send", &s::send, "A command of the protocol to send instead.").example("log_on"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"token", "${credential:token}"}}),
          make("steps", &s::steps, "Steps to run instead, for instance to answer a challenge.")
              .example(nlohmann::ordered_json::array(
                  {{{"expect", "challenge"}},
                   {{"send", "answer"},
                    {"with", {{"proof", "${reply:nonce | hmac_sha256(credential:key) | hex}"}}}}})),
          make("expect", &s::expect, "The reply to wait for, for at most `timeouts.login`.")
              .example("welcome"),
          make("where", &s::match,
               "Values required in that reply; with any others the login counts as rejected.")
              .map_only()
              .only_beside({"expect"})
              .example({{"status", "ok"}}),
          make("reject", &s::reject, "Replies that reject the login.")
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
      "An HTTP request. Its result has `status`, `headers` (names in lower case) and `body` (parsed if it is "
      "JSON, otherwise a text). A status of 400 or above is a fault.",
      {
          make.as<token_parser>("method", &s::method, "The request method."),
          make.as<http_url_parser>("url", &s::url, "The URL, https:// or http://.")
              .required()
              .example("https://api.test.com/token"),
          make.as<headers_parser>("headers", &s::headers, "The request headers.")
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make("json", &s::json, "The request body, sent as application/json.")
              .example({{"id", "${env:AGENT_ID}"}}),
          make("body", &s::body, "The request body, sent unchanged.")
              .example("grant_type=client_credentials")
              .apart(),
          make("timeout", &s::timeout, "Time limit for the whole request.").range(1, an_hour, "1ms to 1h"),
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
      "One step: exactly one action and its options. See scripts.md.",
      {
          make("sleep", &s::sleep, "Wait for this long.").example("500ms"),
          make("send", &s::send, "Send this command of the protocol.").example("set_service"),
          make("call", &s::call,
               "Send this command and wait for its answer, selected by `reply` and `where` or "
               "`correlate`.")
              .example("get_quote"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send", "call"})
              .example({{"services", {"first", "test"}}}),
          make("reply", &s::reply, "The reply that answers the call, or a list of alternatives.")
              .only_beside({"call"})
              .example("quote"),
          make("json", &s::json, "Send this value as a text message.").example({{"op", "ping"}}),
          make("echo", &s::echo, "In a handler: send the received message back unchanged.").example(true),
          make("expect", &s::expect,
               "Wait for this reply, or one of a list; a timeout is a `script` fault. Replies received "
               "since the last `send` count.")
              .example("reply"),
          make("where", &s::match, "Match only replies with these values; see scripts.md for the conditions.")
              .map_only()
              .only_beside({"expect", "call"})
              .example({{"code", 2}}),
          make("check", &s::check, "Values required in the reply; any others are a fault.")
              .map_only()
              .only_beside({"expect", "call"})
              .example({{"status", "ok"}}),
          make("correlate", &s::correlate,
               "Maps fields of the command to the fields of the reply that must be equal.")
              .map_only()
              .only_beside({"call"})
              .example({{"id", "request_id"}}),
          make("count", &s::count, "The number of replies to wait for; above 1, the result is a list.")
              .only_beside({"expect", "call"})
              .range(1, 65'535, "1 to 65535"),
          make("retries", &s::retries,
               "How many times to send the command again when there is no reply in time; only for commands "
               "marked `idempotent` in `commands`.")
              .only_beside({"call"})
              .range(0, 1'000, "0 to 1000"),
          make("every", &s::every, "Run `do` at this interval until cancelled.").example("30s"),
          make("jitter", &s::jitter, "Random variation, as a fraction of the interval: 0.1 means up to 10 %.")
              .only_beside({"every"})
              .range(0, 1, "0 to 1"),
          make.as<branches_parser>(
                  "gather", &s::gather,
                  "Run all branches concurrently until all have finished; the result is a list of their "
                  "results, in order. The first fault cancels the others.")
              .example(json::array({{{"call", "get_orders"}, {"reply", "orders"}},
                                    {{"call", "get_trades"}, {"reply", "trades"}}})),
          make.as<branches_parser>("race", &s::race,
                                   "Run all branches concurrently; the first to finish cancels the others.")
              .example(json::array({{{"expect", "ready"}}, {{"sleep", "5s"}}})),
          make.as<tasks_parser>("wait", &s::wait,
                                "Wait for tasks, by name or started here, until the condition in `until` "
                                "holds. Cancels nothing.")
              .example({"warm_up"}),
          make("until", &s::until,
               "With `wait`: all, first or first_error. With `repeat`: variables and the values that end "
               "the repetition.")
              .only_beside({"wait", "repeat"})
              .example("first")
              .apart(),
          make("spawn", &s::spawn, "Start `do` in the background as a task with this name.")
              .example("warm_up"),
          make("cancel", &s::cancel, "Cancel a task and wait until it has ended.").example("warm_up"),
          make("set", &s::set, "Set variables.").map_only().example({{"symbol", "EURUSD"}}),
          make("http", &s::http, "Send an HTTP request.").example({{"url", "https://api.test.com/token"}}),
          make("exec", &s::exec,
               "Run a program, without a shell, while the session continues; it reads `input` as JSON and "
               "writes JSON. Every user of the machine can see its arguments: pass secrets in `input` or "
               "`env`.")
              .example({"/usr/bin/sign", "--algorithm", "sha256"}),
          make("input", &s::input, "The program's input.")
              .only_beside({"exec"})
              .example({{"challenge", "${reply:nonce}"}}),
          make.as<environment_parser>(
                  "env", &s::environment,
                  "Variables to add to the program's environment, which otherwise holds only PATH, HOME, "
                  "USER, "
                  "LOGNAME, SHELL, LANG, LANGUAGE, LC_*, TZ, TMPDIR and XDG_RUNTIME_DIR of the daemon.")
              .only_beside({"exec"})
              .example({{"SIGN_KEY", "${credential:key}"}}),
          make("timeout", &s::timeout, "Cancel the step when it takes longer than this: a `script` fault.")
              .example("5s"),
          make("if", &s::condition, "Variables, or `reply.FIELD`, and the values they must have.")
              .map_only()
              .example({{"reply.status", "ok"}}),
          make("then", &s::then, "Steps to run if the condition holds.")
              .only_beside({"if"})
              .example(json::array({{{"send", "to_free"}}})),
          make("else", &s::otherwise, "Steps to run otherwise.")
              .only_beside({"if"})
              .example(json::array({{{"fail", "not ready"}}})),
          make.as<rounds_parser>("repeat", &s::repeat, "Run `do` this many times, or `forever`.").example(10),
          make("do", &s::body, "The steps for `every`, `spawn` and `repeat`.")
              .only_beside({"every", "spawn", "repeat"})
              .example(json::array({{{"send", "ping"}}})),
          make("fail", &s::fail, "End the connection with a `script` fault that has this text.")
              .example("no quotes"),
          make("reconnect", &s::reconnect,
               "Close the connection cleanly and reconnect immediately; the value is the reason.")
              .example("the server asked for it"),
          make("save", &s::save,
               "Variables to set, with the paths of their values in the step's result; `*` is the whole "
               "result.")
              .map_only()
              .only_beside({"expect", "call", "http", "exec", "gather", "race", "wait"})
              .example({{"token", "access_token"}}),
          make("on_fault", &s::on_fault,
               "Steps to run when the step fails with a `script` fault, instead of passing it on.")
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
      "Steps to run each time a reply arrives, one run at a time; `${reply:FIELD}` is a field of the reply.",
      {
          make("reply", &s::reply, "The reply, or a list of alternatives.").required().example("call"),
          make("where", &s::match, "Match only replies with these values.")
              .map_only()
              .example({{"action", "Reset"}}),
          make("do", &s::body, "The steps.")
              .required()
              .example(nlohmann::ordered_json::array({{{"echo", true}}})),
      }};
  return fields;
}

}  // namespace duplexd::config
