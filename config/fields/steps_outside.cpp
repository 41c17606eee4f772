// The field table, part: the steps that ask servers and programs.
#include <fmt/format.h>

#include "config/fields/output_fields.hpp"
#include "config/fields/spans.hpp"
#include "config/fields/step_kind.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

namespace {

constexpr milliseconds usual_timeout{30'000};  // of a program

struct http_url_parser : value_parser<text_template> {
  static bool read(const value_at& at, text_template& out, reading& in) {
    return read_checked(at, out, in, parse_http_url);
  }
};

struct parsed_request : http_step {
  protocol::position where;
  std::string path;
  parsed_request() {
    method.clear();  // what it is depends on the body
    timeout = milliseconds{10'000};
  }
};

}  // namespace

template <>
const section& section_of<digest_login>() {
  using s = digest_login;
  const fields_of<s> make;
  static const section fields{
      "digest",
      "HTTP's Digest authentication (RFC 7616), with MD5 or SHA-256. For Basic authentication write the "
      "header: `Authorization: \"Basic ${'user:' + credential:password | base64}\"`.",
      {
          make("username", &s::username, "The user name.").required().example("agent"),
          make("password", &s::password, "The password.").required().example("${credential:password}"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_request>() {
  using s = parsed_request;
  const fields_of<s> make;
  static const section fields{
      "http",
      "An HTTP request. Its result has `status`, `headers` (names in lower case) and `body` (parsed if it is "
      "JSON, otherwise a text). A status of 400 or above is a fault.",
      {
          make.as<token_parser>("method", &s::method,
                                "The request method. Default: POST with `json` or `body`, otherwise GET.")
              .example("PUT"),
          make.as<http_url_parser>("url", &s::url, "The URL, https:// or http://.")
              .required()
              .example("https://api.test.com/token"),
          make.as<headers_parser>("headers", &s::headers, "The request headers.")
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make("json", &s::json,
               "The request body, sent as application/json unless `headers` has another Content-Type.")
              .example({{"id", "${env:AGENT_ID}"}}),
          make("body", &s::body,
               "The request body, sent unchanged, as application/x-www-form-urlencoded unless `headers` has "
               "another Content-Type.")
              .example("grant_type=client_credentials")
              .apart(),
          make("redirects", &s::redirects,
               "Redirects to follow, instead of the session's `redirects`. A listed origin gets all headers, "
               "the body and the client certificate.")
              .example({"https://login.test.com"}),
          make("digest", &s::digest,
               "User name and password for a server that asks for Digest authentication: the request is sent "
               "again with the answer to its challenge. Not sent to another origin."),
          make("timeout", &s::timeout, "Time limit for the whole request.").range(1, an_hour, "1ms to 1h"),
      }};
  return fields;
}

namespace {

struct parsed_http : http_step {
  parsed_request request;

  void build(parsed_step& /*from*/, script_builder& make) {
    const parsed_request& at = request;
    make.use(at.url, at.where, at.path + ".url");
    for (const auto& [name, text] : at.headers) make.use(text, at.where, at.path + ".headers");
    if (at.json) make.use(*at.json, at.where, at.path + ".json");
    if (at.body) make.use(*at.body, at.where, at.path + ".body");
    if (at.digest) make.use(at.digest->username, at.where, at.path + ".digest.username");
    if (at.digest) make.use(at.digest->password, at.where, at.path + ".digest.password");
    if (at.json && at.body) make.complain(at, "'json' and 'body' cannot be used together");
    if (request.method.empty()) request.method = at.json || at.body ? "POST" : "GET";
    static_cast<http_step&>(*this) = std::move(request);
  }
};

struct parsed_exec : exec_step {
  void build(parsed_step& from, script_builder& make) {
    for (const text_template& part : program) make.use(part, from.where, from.path + ".exec");
    warn_of_visible(from, make);
    make.use(input, from.where, from.path + ".input");
    for (const auto& [name, text] : environment) make.use(text, from.where, from.path + ".env." + name);
    if (program.empty()) make.complain(from, "the program is missing");
    timeout = from.timeout && !from.timeout->text ? from.timeout->fixed : usual_timeout;
  }

  // Not what is made with a key: only the secret itself.
  void warn_of_visible(const parsed_step& at, script_builder& make) const {
    if (const auto secret = visible_secret(program))
      make.warn(at.where, at.path + ".exec",
                fmt::format("everybody on the machine can see {} in a program's arguments", *secret),
                "give it by 'input' or 'env'");
  }
};

}  // namespace

step_kind http_kind() {
  using s = parsed_http;
  const fields_of<s> make;
  return kind_of<http_step, s>(
      {make("http", &s::request, "Send an HTTP request.").example({{"url", "https://api.test.com/token"}})});
}

step_kind exec_kind() {
  using s = parsed_exec;
  const fields_of<s> make;
  return kind_of<exec_step, s>(
      {make("exec", &s::program,
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
           .example({{"SIGN_KEY", "${credential:key}"}})});
}

}  // namespace duplexd::config
