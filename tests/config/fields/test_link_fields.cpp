// How a link is made: addresses, proxies, TLS, TCP.
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using lines = std::vector<std::string>;

session_settings session(const std::string& written) {
  return load_good("sessions: {s: {" + written + "}}").sessions.at(0);
}

/// The one mistake in a session, behind its place.
std::string mistake(const std::string& written) {
  const auto result = load_document("sessions: {s: {" + written + "}}");
  REQUIRE(result.mistakes.size() == 1);
  const std::string& text = result.mistakes[0];
  return text.substr(text.find(' ') + 1);
}

const std::string pin = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

}  // namespace

TEST_CASE("a session may have several URLs", "[link_fields]") {
  CHECK(session("url: 'wss://a'").urls.size() == 1);
  const auto two = session("url: ['wss://a', 'ws+unix:/run/b:/c']");
  REQUIRE(two.urls.size() == 2);
  CHECK(two.urls[1].display() == "ws+unix:/run/b:/c");
  CHECK(mistake("url: []") == "sessions.s.url: the list of URLs is empty");
  CHECK(mistake("url: ['wss://a', 'http://b']") ==
        "sessions.s.url[1]: a URL must start with wss:// or ws://");
  CHECK(mistake("url: {a: b}") == "sessions.s.url: expected a text, found a map");
}

TEST_CASE("warnings look at every URL", "[link_fields]") {
  const environment_variable value("DUPLEXD_T", "v");
  const auto warnings = [](const std::string& written) {
    return load_document("sessions: {s: {" + written + "}}").warnings.size();
  };
  const std::string secret = ", headers: {A: '${env:DUPLEXD_T}'}";
  CHECK(warnings("url: ['wss://a', 'ws://b']" + secret) == 1);
  CHECK(warnings("url: ['wss://a', 'ws+unix:/b']" + secret) == 0);
  CHECK(warnings("url: ['ws://a', 'wss://b'], tls: {}") == 0);
  CHECK(warnings("url: 'wss://a', tls: {verify: false, pins: ['" + pin + "']}") == 0);
}

TEST_CASE("a proxy is given, or looked up in the environment", "[link_fields]") {
  const auto given =
      session("url: 'wss://a', proxy: {url: 'socks5://p:1080', username: u, password: p}").proxy;
  REQUIRE(given.has_value());
  CHECK(given->url->display() == "socks5://p:1080");
  CHECK(session("url: 'wss://a', proxy: {from_env: true}").proxy->from_env);
  CHECK_FALSE(session("url: 'wss://a'").proxy.has_value());
  const std::string start = "url: 'wss://a', proxy: ";
  CHECK(mistake(start + "{url: 'https://p:1'}") ==
        "sessions.s.proxy.url: TLS to the proxy is not supported: use http:// or socks5://");
  CHECK(mistake(start + "{url: 'http://u:sekret@p:1'}").find("sekret") == std::string::npos);
  CHECK(mistake(start + "{url: 'http://p:1', from_env: true}").find("sessions.s.proxy") == 0);
  CHECK(mistake(start + "{url: 'http://p:1', password: x}").find("only allowed with 'username'") !=
        std::string::npos);
  CHECK(mistake(start + "{}").find("give one of: url, from_env") != std::string::npos);
}

TEST_CASE("redirects are followed to the same origin, nowhere, or to listed origins too", "[link_fields]") {
  const std::string start = "url: 'wss://a', redirects: ";
  CHECK(session("url: 'wss://a'").redirects.followed);
  CHECK(session(start + "same_origin").redirects.followed);
  CHECK(session(start + "same_origin").redirects.origins.empty());
  CHECK_FALSE(session(start + "none").redirects.followed);
  CHECK(session(start + "[]").redirects.followed);
  const auto listed = session(start + "['wss://b', 'https://c:444']").redirects;
  CHECK(listed.followed);
  REQUIRE(listed.origins.size() == 2);
  CHECK(listed.origins[1].authority() == "c:444");
  CHECK(mistake(start + "any") ==
        "sessions.s.redirects: 'any' is not a known value (known: same_origin, none)");
  CHECK(mistake(start + "'wss://b'") ==
        "sessions.s.redirects: origins must be in a list (write ['wss://b'])");
  CHECK(mistake(start + "['wss://b/c']") ==
        "sessions.s.redirects[0]: an origin has a scheme, a host and perhaps a port, and no path");
  CHECK(mistake(start + "['wss://b', '${env:HOME}']").starts_with("sessions.s.redirects[1]: "));
  CHECK(mistake(start + "{}").starts_with("sessions.s.redirects: expected a text, found a map"));
}

TEST_CASE("subprotocols are a list, or a map that says whether one is required", "[link_fields]") {
  const std::string start = "url: 'wss://a', subprotocols: ";
  CHECK(session(start + "[b, a]").subprotocols.names == lines{"b", "a"});
  CHECK_FALSE(session(start + "[b, a]").subprotocols.required);
  CHECK(session(start + "{names: [b, a]}").subprotocols.names == lines{"b", "a"});
  CHECK_FALSE(session(start + "{names: [b, a]}").subprotocols.required);
  CHECK(session(start + "{names: [b], required: true}").subprotocols.required);
  CHECK(mistake(start + "{required: true}") == "sessions.s.subprotocols: the field 'names' is missing");
  CHECK(mistake(start + "{names: ['a b']}")
            .starts_with("sessions.s.subprotocols.names[0]: 'a b' is not a valid token"));
  CHECK(mistake(start + "{names: [a], requierd: true}").find("required") != std::string::npos);
}

TEST_CASE("cookies can be turned off", "[link_fields]") {
  CHECK(session("url: 'wss://a'").cookies);
  CHECK_FALSE(session("url: 'wss://a', cookies: false").cookies);
}

TEST_CASE("TLS and TCP are set field by field", "[link_fields]") {
  const auto one =
      session("url: 'wss://a', tls: {cert_file: /c.pem, key_file: /c.key, key_password: x, pins: ['" + pin +
              "'], min_version: 1.3, ciphers: A, ciphersuites: B}, "
              "tcp: {no_delay: false, keepalive: 0, user_timeout: 5s}, timeouts: {proxy: 3s}");
  CHECK(one.tls.cert_file->display() == "/c.pem");
  CHECK(one.tls.pins == lines{"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="});
  CHECK(one.tls.min_version == tls_version::v1_3);
  CHECK_FALSE(one.tcp.no_delay);
  CHECK(one.tcp.keepalive.count() == 0);
  CHECK(one.tcp.user_timeout.count() == 5000);
  CHECK(one.timeouts.proxy.count() == 3000);
  const std::string start = "url: 'wss://a', tls: ";
  CHECK(mistake(start + "{key_file: /c.key}").find("only allowed with 'cert_file'") != std::string::npos);
  CHECK(mistake(start + "{pins: ['sha256:abc']}").find("is not a pin (sha256: and 44 characters of base64") !=
        std::string::npos);
  CHECK(mistake(start + "{min_version: 1.1}").find("known: 1.2, 1.3") != std::string::npos);
}

}  // namespace duplexd::config::testing
