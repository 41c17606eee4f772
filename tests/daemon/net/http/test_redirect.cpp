// What a redirect takes along and what it leaves behind, part by part.
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
  made.headers = {{"Authorization", "1"}, {"COOKIE", "2"},        {"proxy-authorization", "3"},
                  {"x-Key", "4"},         {"Authorization", "5"}, {"Origin", "6"},
                  {"Cookies", "7"},       {"X-Keys", "8"}};
  made.secret_headers = {"X-Other", "X-Key"};
  return made;
}

server_request followed(const std::string& from, const std::string& location) {
  auto request = identified(from);
  const auto why = follow(request, location);
  INFO(why.value_or(""));
  REQUIRE_FALSE(why);
  return request;
}

std::string why_not(const std::string& from, const std::string& location) {
  auto request = identified(from);
  const auto why = follow(request, location);
  REQUIRE(why);
  // Nothing of the request was changed.
  CHECK(request.address.authority() == url(from).authority());
  CHECK(request.address.secure == url(from).secure);
  CHECK(request.address.target == url(from).target);
  CHECK(request.cert_file == "own.pem");
  CHECK(request.headers.size() == 8);
  return *why;
}

const std::string origin = "wss://first.example/feed?a=b";

}  // namespace

TEST_CASE("at another origin nothing is left that proves who we are", "[redirect]") {
  const std::string location =
      GENERATE("wss://other.example/feed", "https://other.example/", "//other.example",
               "wss://first.example:444/feed", "wss://sub.first.example/");
  const auto request = followed(origin, location);
  CHECK(request.address.authority() != "first.example");
  CHECK_FALSE(request.tls.server_name);
  CHECK(request.cert_file.empty());
  CHECK(request.key_file.empty());
  CHECK(request.key_password.empty());
  CHECK(request.headers == header_list{{"Origin", "6"}, {"Cookies", "7"}, {"X-Keys", "8"}});
  // What we ask of a server is asked of the next one, too.
  CHECK(request.ca_file == "ca.pem");
  CHECK(request.tls.pins == std::vector<std::string>{"AAAA"});
}

TEST_CASE("at the same origin everything stays", "[redirect]") {
  const std::string location = GENERATE("/there", "there", "?c=d", "wss://first.example/there",
                                        "https://FIRST.example:443/there", "//first.example/there");
  const auto request = followed(origin, location);
  const auto before = identified(origin);
  CHECK(config::is_same_origin(request.address, before.address));
  CHECK(request.address.target != before.address.target);
  CHECK(request.tls.server_name == before.tls.server_name);
  CHECK(request.tls.pins == before.tls.pins);
  CHECK(request.cert_file == before.cert_file);
  CHECK(request.key_file == before.key_file);
  CHECK(request.key_password == before.key_password);
  CHECK(request.headers == before.headers);
}

// The scheme is part of the origin: who knew us in plain text is not known to be the same with TLS.
TEST_CASE("a redirect into TLS is followed as one to another origin", "[redirect]") {
  const auto request = followed("ws://first.example/feed", "wss://first.example/feed");
  CHECK(request.address.secure);
  CHECK(request.address.port == 443);
  CHECK(request.cert_file.empty());
  CHECK(request.headers.size() == 3);
  const auto same = followed("ws://first.example/feed", "http://first.example/there");
  CHECK_FALSE(same.address.secure);
  CHECK(same.cert_file == "own.pem");
}

TEST_CASE("a redirect never leaves TLS", "[redirect]") {
  const std::string refusal = "that is not encrypted, and this is";
  for (const char* location : {"ws://first.example/feed", "http://first.example/", "ws://other.example/",
                               "http://first.example:443/feed"})
    CHECK(why_not(origin, location) == refusal);
}

TEST_CASE("a location that is none is refused", "[redirect]") {
  CHECK(why_not(origin, "") == "it does not say where to (no Location)");
  CHECK(why_not(origin, "ftp://first.example/") == "a URL must start with https:// or http://");
  CHECK_FALSE(why_not(origin, "https://").empty());
}

TEST_CASE("a redirect from a Unix-domain socket to a server leaves it", "[redirect]") {
  const auto request = followed("ws+unix:/run/feed.sock:/ticks", "ws://localhost/ticks");
  CHECK(request.address.socket.empty());
  CHECK(request.cert_file.empty());
  const auto same = followed("ws+unix:/run/feed.sock:/ticks", "/quotes");
  CHECK(same.address.socket == "/run/feed.sock");
  CHECK(same.headers.size() == 8);
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

// Only a secret body is withheld, and only from another server.
TEST_CASE("a secret body does not reach another server", "[redirect]") {
  asio::io_context loop{1};
  http_script other(loop, [](const std::string&) { return http_answer("200 OK"); });
  http_script first(loop, [&](const std::string&) {
    return redirect_to("307 Temporary", "http://localhost:" + std::to_string(other.port()) + "/");
  });
  const bool secret = GENERATE(true, false);
  const bool empty = GENERATE(true, false);
  http_request what;
  static_cast<server_request&>(what) = request_to(first.port(), false);
  what.method = "POST";
  what.body = empty ? "" : "question";
  what.body_is_secret = secret;
  const auto client = make_http_client(loop);
  const auto result = run(loop, client->fetch(std::move(what)));
  CHECK(std::holds_alternative<fault>(result) == (secret && !empty));
  CHECK(other.requests().size() == (secret && !empty ? 0 : 1));
}
