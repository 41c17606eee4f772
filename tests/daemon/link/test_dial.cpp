// What a session asks its dialer for, and in which order.
#include <cstdlib>

#include "daemon/link/dial_request.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

const fault refused{.kind = config::fault_class::connect, .cause = "refused"};

std::string three_urls(const std::string& more = "") {
  return "sessions: {s: {url: ['wss://a', 'wss://b', 'wss://c']" + more + "}}";
}

}  // namespace

// Each failed URL is followed by the next at once; the delay comes after the last.
TEST_CASE("several URLs are tried in turn before any delay") {
  stage play{three_urls()};
  for (int i = 0; i < 4; ++i) play.refuse(refused);
  auto server = play.accept();
  play.run_for(10ms);
  CHECK(play.links.dials == 3);
  play.run_for(1s);
  CHECK(play.links.dials == 5);
  CHECK(play.log() == std::vector<std::string>{
                          "s: attempting connection to wss://a", "s: connect: refused; next attempt at once",
                          "s: attempting connection to wss://b", "s: connect: refused; next attempt at once",
                          "s: attempting connection to wss://c", "s: connect: refused; next attempt in 1.0 s",
                          "s: attempting connection to wss://a", "s: connect: refused; next attempt at once",
                          "s: attempting connection to wss://b", "s: connected", "s: script finished"});
}

TEST_CASE("a fatal fault ends the session at the first URL") {
  stage play{three_urls(", reconnect: {fatal: [connect]}")};
  play.refuse(refused);
  play.run_for(10s);
  CHECK(play.links.dials == 1);
  REQUIRE(play.result);
  CHECK(play.result->fatal);
}

TEST_CASE("run --once tries every URL once") {
  stage play{three_urls(), true};
  play.run_for(10s);
  CHECK(play.links.dials == 3);
  CHECK(play.result);
}

TEST_CASE("a dial's references are resolved, and secrets are marked") {
  setenv("DUPLEXD_T", "sekret", 1);
  stage play{
      "sessions: {s: {url: ['wss://a', 'wss://b/${env:DUPLEXD_T}'], headers: {X-Key: '${env:DUPLEXD_T}', "
      "X-App: "
      "a}, proxy: {url: 'http://p:3128', username: u, password: '${env:DUPLEXD_T}'}, tls: {cert_file: "
      "/c.pem, "
      "key_password: '${env:DUPLEXD_T}'}, tcp: {keepalive: 7s}, "
      "redirects: ['wss://c:444']}}"};
  const auto& settings = play.settings.sessions.at(0);
  auto resolved = resolve_dial_request(settings, nullptr, 1);
  REQUIRE(std::holds_alternative<dial_request>(resolved));
  const auto& request = std::get<dial_request>(resolved);
  CHECK(request.address.target == "/sekret");
  CHECK(request.redirects.followed);
  REQUIRE(request.redirects.origins.size() == 1);
  CHECK(request.redirects.origins[0].authority() == "c:444");
  CHECK(request.cert_file == "/c.pem");
  CHECK(request.key_password == "sekret");
  CHECK(request.tcp.keepalive == 7s);
  const auto* proxy = request.proxies.find(request.address);
  REQUIRE(proxy != nullptr);
  CHECK(proxy->display() == "http://p:3128");
  CHECK(proxy->password == "sekret");
  unsetenv("DUPLEXD_T");
  const auto gone = resolve_dial_request(settings, nullptr);
  REQUIRE(std::holds_alternative<fault>(gone));
  CHECK(std::get<fault>(gone).kind == config::fault_class::secret);
  CHECK(std::get<fault>(gone).cause.starts_with("tls.key_password: "));
}

TEST_CASE("the environment's proxy is asked for at each dial") {
  stage play{"sessions: {s: {url: 'wss://a', proxy: {from_env: true}}}"};
  const auto& settings = play.settings.sessions.at(0);
  setenv("https_proxy", "http://user:sekret@p:1", 1);
  auto resolved = resolve_dial_request(settings, nullptr);
  REQUIRE(std::holds_alternative<dial_request>(resolved));
  CHECK(std::get<dial_request>(resolved).proxies.secure->username == "user");
  setenv("https_proxy", "https://user:sekret@p:1", 1);
  resolved = resolve_dial_request(settings, nullptr);
  REQUIRE(std::holds_alternative<fault>(resolved));
  CHECK(std::get<fault>(resolved).cause.starts_with("proxy.from_env: https_proxy of the environment: "));
  CHECK(std::get<fault>(resolved).cause.find("sekret") == std::string::npos);
  unsetenv("https_proxy");
}
