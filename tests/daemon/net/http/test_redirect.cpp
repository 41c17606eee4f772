// What a redirect takes along and what it leaves behind, part by part.
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/http/redirect.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/make_http_client.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/http_script.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using header_list = std::vector<std::pair<std::string, std::string>>;

config::url url(const std::string& text) {
  std::string why;
  const auto parsed = config::parse_url(text, why);
  INFO(why);
  REQUIRE(parsed);
  return *parsed;
}

/// A request with everything that proves who we are.
server_request identified(const std::string& address) {
  server_request made;
  made.address = url(address);
  made.tls.server_name = "inner.example";
  made.tls.pins = {"AAAA"};
  made.tls.verify = false;
  made.ca_file = "ca.pem";
  made.cert_file = "own.pem";
  made.key_file = "own.key";
  made.key_password = "password";
  made.headers = {{"Authorization", "1"}, {"COOKIE", "2"}, {"x-Key", "4"}, {"Origin", "6"}};
  return made;
}

server_request followed(server_request request, const std::string& location) {
  const auto why = follow(request, config::url(request.address), location);
  INFO(why.value_or(""));
  REQUIRE_FALSE(why);
  return request;
}

server_request listing(const std::string& from, std::initializer_list<const char*> origins) {
  auto request = identified(from);
  for (const char* each : origins) {
    std::string why;
    request.redirects.origins.push_back(config::parse_origin(each, why).value());
  }
  return request;
}

std::string why_not(server_request request, const std::string& location) {
  const auto before = request;
  const auto why = follow(request, config::url(before.address), location);
  REQUIRE(why);
  // Nothing of the request was changed.
  CHECK(request.address.authority() == before.address.authority());
  CHECK(request.address.secure == before.address.secure);
  CHECK(request.address.target == before.address.target);
  CHECK(request.tls.server_name == before.tls.server_name);
  return *why;
}

void check_all_is_kept(const server_request& request) {
  const auto before = identified("wss://any.example");
  CHECK(request.headers == before.headers);
  CHECK(request.cert_file == before.cert_file);
  CHECK(request.key_file == before.key_file);
  CHECK(request.key_password == before.key_password);
  CHECK(request.ca_file == before.ca_file);
  CHECK(request.tls.pins == before.tls.pins);
}

const std::string origin = "wss://first.example/feed?a=b";

}  // namespace

TEST_CASE("no redirect leads to another origin unless that is listed", "[redirect]") {
  const std::string refusal = "that is another origin, which redirects does not list";
  const std::string location =
      GENERATE("wss://other.example/feed", "https://other.example/", "//other.example",
               "wss://first.example:444/feed", "wss://sub.first.example/");
  CHECK(why_not(identified(origin), location) == refusal);
  CHECK(why_not(listing(origin, {"wss://third.example", "wss://other.example:1"}), location) == refusal);
}

TEST_CASE("an origin that is listed gets everything but the old name for TLS", "[redirect]") {
  const std::string listed = GENERATE("wss://OTHER.example", "https://other.example:443");
  const std::string location = GENERATE("wss://other.example/feed", "//other.example/feed");
  const auto request = followed(listing(origin, {"wss://third.example", listed.c_str()}), location);
  CHECK(request.address.authority() == "other.example");
  CHECK(request.address.target == "/feed");
  CHECK_FALSE(request.tls.server_name);
  check_all_is_kept(request);
}

// The server that was dialled need not be listed, wherever a redirect to it comes from.
TEST_CASE("a redirect may lead back to the first origin", "[redirect]") {
  auto request = listing(origin, {"wss://other.example"});
  const config::url first = request.address;
  REQUIRE_FALSE(follow(request, first, "wss://other.example/"));
  REQUIRE_FALSE(follow(request, first, "wss://first.example/again"));
  CHECK(request.address.authority() == "first.example");
  CHECK(follow(request, first, "wss://third.example/"));
}

TEST_CASE("at the same origin everything stays", "[redirect]") {
  const std::string location = GENERATE("/there", "there", "?c=d", "wss://first.example/there",
                                        "https://FIRST.example:443/there", "//first.example/there");
  const auto request = followed(identified(origin), location);
  const auto before = identified(origin);
  CHECK(config::is_same_origin(request.address, before.address));
  CHECK(request.address.target != before.address.target);
  CHECK(request.tls.server_name == before.tls.server_name);
  check_all_is_kept(request);
}

TEST_CASE("no redirect is followed if none shall be", "[redirect]") {
  auto request = identified(origin);
  request.redirects.followed = false;
  CHECK(why_not(request, "/there") == "redirects is none");
  CHECK(why_not(request, "wss://other.example/") == "redirects is none");
}

// The scheme is part of the origin: who knew us in plain text is not known to be the same with TLS.
TEST_CASE("a redirect into TLS is one to another origin", "[redirect]") {
  const std::string from = "ws://first.example/feed";
  CHECK(why_not(identified(from), "wss://first.example/feed").find("another origin") != std::string::npos);
  const auto request = followed(listing(from, {"wss://first.example"}), "wss://first.example/feed");
  CHECK(request.address.secure);
  CHECK(request.address.port == 443);
  CHECK_FALSE(followed(identified(from), "http://first.example/there").address.secure);
}

TEST_CASE("a redirect never leaves TLS, listed or not", "[redirect]") {
  const std::string refusal = "that is not encrypted, and this is";
  const auto request = listing(
      origin, {"ws://first.example", "ws://other.example", "http://first.example", "ws://first.example:443"});
  for (const char* location : {"ws://first.example/feed", "http://first.example/", "ws://other.example/",
                               "http://first.example:443/feed"})
    CHECK(why_not(request, location) == refusal);
}

TEST_CASE("a location that is none is refused", "[redirect]") {
  CHECK(why_not(identified(origin), "") == "it does not say where to (no Location)");
  CHECK(why_not(identified(origin), "ftp://first.example/") == "a URL must start with https:// or http://");
  CHECK_FALSE(why_not(identified(origin), "https://").empty());
}

TEST_CASE("a redirect from a Unix-domain socket to a server leaves it", "[redirect]") {
  const std::string from = "ws+unix:/run/feed.sock:/ticks";
  CHECK(why_not(identified(from), "ws://localhost/ticks").find("another origin") != std::string::npos);
  const auto request = followed(listing(from, {"ws://localhost"}), "ws://localhost/ticks");
  CHECK(request.address.socket.empty());
  const auto same = followed(identified(from), "/quotes");
  CHECK(same.address.socket == "/run/feed.sock");
  CHECK(same.headers.size() == 4);
}

TEST_CASE("five statuses are redirects", "[redirect]") {
  std::vector<int> all;
  for (int status = 100; status <= 599; ++status)
    if (is_redirect(status)) all.push_back(status);
  CHECK(all == std::vector<int>{301, 302, 303, 307, 308});
}

TEST_CASE("a location is shown without its query, up to 200 bytes", "[redirect]") {
  CHECK(shown_location("ws://a/b?token=1?x") == "ws://a/b");
  CHECK(shown_location("?token=1").empty());
  CHECK(shown_location("/a\r\nb") == "/a b");
  CHECK(shown_location(std::string(200, 'a')) == std::string(200, 'a'));
  CHECK(shown_location(std::string(201, 'a')) == std::string(200, 'a') + "…");
}

// Five are followed, a sixth is not: of the handshake and of a document.
TEST_CASE("redirects are followed up to the limit", "[redirect]") {
  asio::io_context loop{1};
  const int count = GENERATE(4, 5, 6);
  const bool handshake = GENERATE(true, false);
  int asked = 0;
  http_script server(loop, [&](const std::string&) {
    return asked++ < count ? redirect_to("302 Found", "/again") : http_answer("418 Teapot", "here");
  });
  std::string cause;
  int status = 0;
  if (handshake) {
    const auto dial = make_dialer(loop);
    const auto result = run(loop, dial->dial(request_to(server.port(), false)));
    cause = std::get<fault>(result).cause;
    status = std::get<fault>(result).http_status.value_or(0);
  } else {
    const auto client = make_http_client(loop);
    http_request what;
    static_cast<server_request&>(what) = request_to(server.port(), false);
    const auto result = run(loop, client->fetch(std::move(what)));
    if (const auto* failed = std::get_if<fault>(&result)) cause = failed->cause;
    if (const auto* answer = std::get_if<http_response>(&result)) status = answer->status;
  }
  CHECK(asked == (count <= 5 ? count + 1 : 6));
  if (count <= 5) {
    CHECK(status == 418);
  } else {
    CHECK(cause.find("redirected more than 5 times") != std::string::npos);
    CHECK(status != 418);
  }
}

// 301 and 302 make a POST a GET, and no other method; 303 all but HEAD; 307 and 308 none.
TEST_CASE("the method behind a redirect", "[redirect]") {
  const auto [status, method, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"301 Moved", "PUT", "PUT"},
      {"302 Found", "PUT", "PUT"},
      {"303 See Other", "PUT", "GET"},
      {"307 Temporary", "PUT", "PUT"},
      {"308 Permanent", "PUT", "PUT"},
      {"301 Moved", "HEAD", "HEAD"},
      {"303 See Other", "HEAD", "HEAD"},
      {"302 Found", "POST", "GET"},
      {"303 See Other", "DELETE", "GET"},
  }));
  asio::io_context loop{1};
  http_script server(loop, [s = status](const std::string& request) {
    return request.find(" /new ") != std::string::npos ? http_answer("200 OK") : redirect_to(s, "/new");
  });
  http_request what;
  static_cast<server_request&>(what) = request_to(server.port(), false);
  what.method = method;
  what.body = method == "HEAD" ? "" : "question";
  what.headers = {
      {"Content-Type", "a"}, {"content-encoding", "b"}, {"Content-LANGUAGE", "c"}, {"Content-X", "d"}};
  const auto client = make_http_client(loop);
  REQUIRE(std::holds_alternative<http_response>(run(loop, client->fetch(std::move(what)))));
  const std::string& last = server.requests().at(1);
  const auto has = [&](const char* part) { return last.find(part) != std::string::npos; };
  const bool kept = method == expected;
  CHECK(last.starts_with(expected + " /new "));
  CHECK(has("question") == (kept && method != "HEAD"));
  CHECK(has("Content-Type: a") == kept);
  CHECK(has("content-encoding: b") == kept);
  CHECK(has("Content-LANGUAGE: c") == kept);
  CHECK(has("Content-X: d"));
}

// The body may hold secrets: another server gets it if it is listed.
TEST_CASE("a body reaches another server only if that is listed", "[redirect]") {
  asio::io_context loop{1};
  http_script other(loop, [](const std::string&) { return http_answer("200 OK"); });
  const std::string there = "http://localhost:" + std::to_string(other.port());
  http_script first(loop, [&](const std::string&) { return redirect_to("307 Temporary", there + "/"); });
  const bool listed = GENERATE(true, false);
  http_request what;
  static_cast<server_request&>(what) = request_to(first.port(), false);
  what.method = "POST";
  what.body = "question";
  std::string error;
  if (listed) what.redirects.origins = {config::parse_origin(there, error).value()};
  const auto client = make_http_client(loop);
  const auto result = run(loop, client->fetch(std::move(what)));
  CHECK(std::holds_alternative<fault>(result) == !listed);
  REQUIRE(other.requests().size() == (listed ? 1 : 0));
  if (listed) CHECK(other.requests()[0].ends_with("question"));
}
