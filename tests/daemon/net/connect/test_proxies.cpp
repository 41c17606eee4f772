#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/child_process.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/http_script.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::fault_class;
using config::proxy_server;
using std::chrono::milliseconds;

proxy_server proxy_at(std::uint16_t port, bool socks, bool logs_in = false) {
  proxy_server made{.socks = socks, .host = "127.0.0.1", .port = port};
  if (logs_in) {
    made.username = "agent";
    made.password = "sekret";
  }
  return made;
}

dial_request through(const proxy_server& proxy, dial_request request) {
  request.proxies.open = request.proxies.secure = proxy;
  request.timeouts.proxy = std::chrono::seconds(5);
  return request;
}

/// Sends a message and waits for its echo.
asio::awaitable<std::string> say_and_hear(std::unique_ptr<transport> link) {
  const std::string said = "through the proxy";
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(said.data());
  link->put({.kind = protocol::frame_kind::text, .bytes = {bytes, said.size()}});
  std::string heard;
  while (heard.empty() && !link->ended()) {
    co_await link->wait_readable();
    protocol::frame_view message;
    while (link->next(message)) heard.append(message.bytes.begin(), message.bytes.end());
  }
  co_await link->finish(std::chrono::seconds(2));
  co_return heard;
}

std::string echo_of(asio::io_context& loop, dial_request request) {
  const auto dial = make_dialer(loop);
  auto result = run(loop, dial->dial(std::move(request)));
  if (const auto* failed = std::get_if<fault>(&result)) return failed->cause;
  return run(loop, say_and_hear(std::get<std::unique_ptr<transport>>(std::move(result))));
}

fault must_fail(asio::io_context& loop, dial_request request) {
  const auto dial = make_dialer(loop);
  auto result = run(loop, dial->dial(std::move(request)));
  REQUIRE(std::holds_alternative<fault>(result));
  auto failed = std::get<fault>(std::move(result));
  CHECK(failed.kind == fault_class::connect);
  CHECK_FALSE(contains(failed.cause, "sekret"));
  return failed;
}

/// A server that answers each piece that comes with the next of these.
test_server::serve_function pieces(std::vector<std::string> answers,
                                   std::vector<std::string>* heard = nullptr) {
  return [answers, heard](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    for (const std::string& each : answers) {
      co_await connection->wait_readable();
      connection->fill();
      const auto got = connection->received();
      if (heard != nullptr) heard->emplace_back(got.begin(), got.end());
      connection->consume(got.size());
      connection->cork().append(each.data(), each.size());
      connection->flush();
    }
    co_await connection->finish(std::chrono::seconds(2));
  };
}

std::string socks_cause(std::vector<std::string> answers, bool logs_in = false) {
  asio::io_context loop{1};
  test_server proxy(loop, pieces(std::move(answers)));
  auto request = through(proxy_at(proxy.port(), true, logs_in), request_to(443, true, {}, "far.example"));
  const std::string cause = must_fail(loop, std::move(request)).cause;
  const std::string name = "the proxy socks5://127.0.0.1:" + std::to_string(proxy.port()) + " ";
  REQUIRE(cause.starts_with(name));
  return cause.substr(name.size());
}

std::string http_cause(const std::string& answer, bool logs_in = false) {
  asio::io_context loop{1};
  http_script proxy(loop, [&](const std::string&) { return answer; });
  auto request = through(proxy_at(proxy.port(), false, logs_in), request_to(443, true, {}, "far.example"));
  const std::string cause = must_fail(loop, std::move(request)).cause;
  const std::string name = "the proxy http://127.0.0.1:" + std::to_string(proxy.port()) + " ";
  REQUIRE(cause.starts_with(name));
  return cause.substr(name.size());
}

std::string bytes(std::initializer_list<int> values) {
  std::string made;
  for (const int each : values) made += static_cast<char>(each);
  return made;
}

}  // namespace

// A proxy of another make, with TLS and without it inside the tunnel, with a login and with a wrong one.
TEST_CASE("links go through tinyproxy", "[proxies]") {
  const trust trusted;
  const auto port = free_port();
  const bool logs_in = GENERATE(false, true);
  const std::string settings = "Port " + std::to_string(port) +
                               "\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n" +
                               (logs_in ? "BasicAuth agent sekret\n" : "");
  child_process proxy({"tinyproxy", "-d", "-c", trusted.write("tinyproxy.conf", settings)});
  wait_for_port(port);
  asio::io_context loop{1};
  test_server secure(loop, echo_server(trusted.server()));
  test_server open(loop, echo_server());
  const auto via = proxy_at(port, false, logs_in);
  CHECK(echo_of(loop, through(via, request_to(secure.port(), true, trusted.ca_file()))) ==
        "through the proxy");
  CHECK(echo_of(loop, through(via, request_to(open.port(), false))) == "through the proxy");
  const auto nobody = must_fail(loop, through(via, request_to(free_port(), false)));
  CHECK(contains(nobody.cause, "did not connect us to localhost:"));
  CHECK(contains(nobody.cause, "HTTP 5"));
  if (!logs_in) return;
  auto wrong = via;
  wrong.password = "sekret2";
  CHECK(contains(must_fail(loop, through(wrong, request_to(open.port(), false))).cause,
                 "does not accept proxy.username and proxy.password (HTTP 4"));
  wrong.username.clear();
  CHECK(contains(must_fail(loop, through(wrong, request_to(open.port(), false))).cause,
                 "wants to know who we are: give proxy.username and proxy.password (HTTP 407"));
}

TEST_CASE("links go through microsocks", "[proxies]") {
  const trust trusted;
  const auto port = free_port();
  const bool logs_in = GENERATE(false, true);
  std::vector<std::string> command{"microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)};
  if (logs_in) command.insert(command.end(), {"-u", "agent", "-P", "sekret"});
  child_process proxy(command);
  wait_for_port(port);
  asio::io_context loop{1};
  test_server secure(loop, echo_server(trusted.server()));
  test_server open(loop, echo_server());
  const auto via = proxy_at(port, true, logs_in);
  CHECK(echo_of(loop, through(via, request_to(secure.port(), true, trusted.ca_file()))) ==
        "through the proxy");
  CHECK(echo_of(loop, through(via, request_to(open.port(), false, {}, "127.0.0.1"))) == "through the proxy");
  const auto nobody = must_fail(loop, through(via, request_to(free_port(), false)));
  CHECK(contains(nobody.cause, "the server refused the connection"));
  if (!logs_in) return;
  auto wrong = via;
  wrong.password = "sekret2";
  CHECK(contains(must_fail(loop, through(wrong, request_to(open.port(), false))).cause,
                 "does not accept proxy.username and proxy.password"));
  wrong.username.clear();
  CHECK(contains(must_fail(loop, through(wrong, request_to(open.port(), false))).cause,
                 "wants to know who we are"));
}

TEST_CASE("a CONNECT request asks for the server by its name", "[proxies]") {
  asio::io_context loop{1};
  http_script proxy(loop, [](const std::string&) { return http_answer("403 Filtered", "no"); });
  must_fail(loop, through(proxy_at(proxy.port(), false, true), request_to(443, true, {}, "far.example")));
  const std::string& asked = proxy.requests().at(0);
  CHECK(asked.starts_with("CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"));
  CHECK(contains(asked, "\r\nProxy-Authorization: Basic YWdlbnQ6c2VrcmV0\r\n"));
}

TEST_CASE("what an HTTP proxy answers is explained", "[proxies]") {
  CHECK(http_cause(http_answer("403 Filtered")) ==
        "did not connect us to far.example:443: HTTP 403 Filtered");
  CHECK(http_cause(http_answer("407 Login")) ==
        "wants to know who we are: give proxy.username and proxy.password (HTTP 407 Login)");
  CHECK(http_cause(http_answer("407 Login"), true) ==
        "does not accept proxy.username and proxy.password (HTTP 407 Login)");
  CHECK(http_cause("SSH-2.0-x\r\n\r\n") == "answered with something else than HTTP: 'SSH-2.0-x '");
  CHECK(http_cause("HTTP/1.1 200") == "answered with something else than HTTP: 'HTTP/1.1 200'");
  CHECK(http_cause("") == "did not answer: the peer ended the connection");
  CHECK(http_cause("HTTP/1.1 200 OK\r\n\r\nand more") == "sent more than its answer");
}

TEST_CASE("what a SOCKS proxy answers is explained", "[proxies]") {
  const std::string open = bytes({5, 0});
  const auto reply = [&](int code) { return socks_cause({open, bytes({5, code, 0, 1, 0, 0, 0, 0, 0, 0})}); };
  const std::string to = "did not connect us to far.example:443: ";
  CHECK(reply(1) == to + "the proxy itself failed");
  CHECK(reply(2) == to + "its rules do not allow this connection");
  CHECK(reply(3) == to + "the server's network cannot be reached from there");
  CHECK(reply(4) == to + "the server cannot be reached from there");
  CHECK(reply(5) == to + "the server refused the connection");
  CHECK(reply(6) == to + "the server did not answer it in time");
  CHECK(reply(7) == to + "it does not know the command CONNECT");
  CHECK(reply(8) == to + "it does not know this kind of address");
  CHECK(reply(99) == to + "it answered with code 99, which is not defined");
  CHECK(socks_cause({bytes({5, 255})}) == "wants to know who we are: give proxy.username and proxy.password");
  CHECK(socks_cause({bytes({5, 255})}, true) == "accepts no login by user name and password");
  CHECK(socks_cause({bytes({5, 2}), bytes({1, 1})}, true) ==
        "does not accept proxy.username and proxy.password");
  CHECK(socks_cause({"HTTP/1.1 400 Bad\r\n"}) == "does not speak SOCKS5: its answer begins with 'HT'");
  CHECK(socks_cause({open, bytes({4, 0, 0, 1})}) == "broke SOCKS5 in its reply");
  CHECK(socks_cause({open, bytes({5, 0, 0, 9})}) == "broke SOCKS5 in its reply");
  CHECK(socks_cause({open, bytes({5, 0, 0, 1, 0})}) == "did not answer: the peer ended the connection");
  CHECK(socks_cause({open}) == "did not answer: the peer ended the connection");
  CHECK(socks_cause({open, bytes({5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7})}) == "sent more than its answer");
}

// RFC 1928, 4: a name goes as it is, addresses as bytes.
TEST_CASE("a SOCKS proxy is asked in its own words", "[proxies]") {
  asio::io_context loop{1};
  std::vector<std::string> heard;
  test_server proxy(loop, pieces({bytes({5, 2}), bytes({1, 0}), bytes({5, 1, 0, 1})}, &heard));
  const auto [host, address] = GENERATE(table<std::string, std::string>(
      {{"far.example", bytes({3, 11}) + "far.example"},
       {"192.0.2.1", bytes({1, 192, 0, 2, 1})},
       {"2001:db8::1", bytes({4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})}}));
  must_fail(loop, through(proxy_at(proxy.port(), true, true), request_to(443, true, {}, host)));
  REQUIRE(heard.size() == 3);
  CHECK(heard[0] == bytes({5, 2, 0, 2}));
  CHECK(heard[1] == bytes({1, 5}) + "agent" + bytes({6}) + "sekret");
  CHECK(heard[2] == bytes({5, 1, 0}) + address + bytes({1, 0xbb}));
}

TEST_CASE("a proxy that is not there or says nothing is named", "[proxies]") {
  asio::io_context loop{1};
  const bool socks = GENERATE(false, true);
  const auto closed = proxy_at(free_port(), socks);
  CHECK(must_fail(loop, through(closed, request_to(443, true))).cause ==
        "the proxy " + closed.display() + ": connection refused by 127.0.0.1:" + std::to_string(closed.port));
  http_script silent(loop, [](const std::string&) { return ""; }, false);
  const auto mute = proxy_at(silent.port(), socks);
  auto request = through(mute, request_to(443, true));
  request.timeouts.proxy = milliseconds(50);
  CHECK(must_fail(loop, std::move(request)).cause ==
        "the proxy " + mute.display() + " did not answer within 50ms");
  auto long_name = through(mute, request_to(443, true, {}, "far.example"));
  long_name.proxies.open = long_name.proxies.secure = proxy_server{
      .socks = socks, .host = "127.0.0.1", .port = silent.port(), .username = std::string(256, 'u') + ":"};
  CHECK(contains(must_fail(loop, std::move(long_name)).cause, "cannot be told a user name"));
}
