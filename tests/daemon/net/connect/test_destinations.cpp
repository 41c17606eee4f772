// Where a dial may lead: redirects, Unix-domain sockets; and the options of the socket.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/child_process.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/http_script.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

/// What a dial leads to: nothing, or the fault's cause.
std::string cause_of(asio::io_context& loop, dial_request request) {
  const auto dial = make_dialer(loop);
  auto result = run(loop, dial->dial(std::move(request)));
  const auto* failed = std::get_if<fault>(&result);
  return failed == nullptr ? "" : failed->cause;
}

std::vector<config::url> origins_of(const std::vector<std::uint16_t>& ports) {
  std::vector<config::url> made;
  std::string why;
  for (const auto port : ports) made.push_back(config::parse_origin(local("ws", port, ""), why).value());
  return made;
}

}  // namespace

TEST_CASE("a redirect of the handshake is followed to the link", "[destinations]") {
  asio::io_context loop{1};
  const std::string status =
      GENERATE("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent");
  const std::string scheme = GENERATE("ws", "http");
  test_server last(loop, echo_server());
  http_script second(
      loop, [&](const std::string&) { return redirect_to(status, local(scheme, last.port(), "/c")); });
  http_script first(
      loop, [&](const std::string&) { return redirect_to(status, local(scheme, second.port(), "/b")); });
  auto request = request_to(first.port(), false);
  request.redirects.origins = origins_of({second.port(), last.port()});
  CHECK(cause_of(loop, request).empty());
  CHECK(last.accepted() == 1);
  request.redirects.origins.pop_back();
  CHECK(contains(cause_of(loop, request),
                 "/c; not followed: that is another origin, which redirects does not list"));
  CHECK(last.accepted() == 1);
}

// Another origin must not learn who we are, by a literal header neither; one that is listed must.
TEST_CASE("a redirect takes everything along, to an origin that may have it", "[destinations]") {
  asio::io_context loop{1};
  http_script other(loop, [](const std::string&) { return http_answer("404 Not Found"); });
  const auto [leaves, listed] = GENERATE(table<bool, bool>({{false, false}, {true, false}, {true, true}}));
  const std::string where = leaves ? local("ws", other.port(), "/there") : "/there";
  http_script first(loop, [&](const std::string& request) {
    return contains(request, "/there") ? http_answer("404 Not Found") : redirect_to("302 Found", where);
  });
  auto request = request_to(first.port(), false);
  request.headers = {{"authorization", "sekret"}, {"Cookie", "sekret"}, {"X-Key", "sekret"}};
  request.subprotocols = {"mqtt"};
  if (listed) request.redirects.origins = origins_of({other.port()});
  const std::string cause = cause_of(loop, std::move(request));
  CHECK(other.requests().size() == (listed ? 1 : 0));
  if (leaves && !listed) {
    CHECK(contains(cause, "HTTP 302 Found"));
    CHECK(contains(cause, "/there; not followed: that is another origin, which redirects does not list"));
    return;
  }
  CHECK(contains(cause, "HTTP 404 Not Found"));
  const std::string& last = leaves ? other.requests().at(0) : first.requests().at(1);
  CHECK(last.starts_with("GET /there HTTP/1.1\r\n"));
  for (const char* part : {"authorization: sekret", "Cookie: sekret", "X-Key: sekret", "mqtt"})
    CHECK(contains(last, part));
}

TEST_CASE("a redirect of the handshake that may not be followed is a fault", "[destinations]") {
  const trust trusted;
  asio::io_context loop{1};
  std::string location;
  http_script server(
      loop, [&](const std::string&) { return http_answer("302 Found", "", location); }, true,
      trusted.server());
  const auto cause_with = [&](const std::string& header) {
    location = header;
    return cause_of(loop, request_to(server.port(), true, trusted.ca_file()));
  };
  const std::string answer = "the server answered HTTP 302 Found";
  CHECK(cause_with("Location: ws://localhost/?token=sekret\r\n") ==
        answer + ", go to ws://localhost/; not followed: that is not encrypted, and this is");
  CHECK(cause_with("Location: ftp://localhost/\r\n") ==
        answer + ", go to ftp://localhost/; not followed: a URL must start with https:// or http://");
  CHECK(cause_with("Location: /again\r\n") ==
        answer + ", go to /again; not followed: redirected more than 5 times");
  CHECK(server.requests().size() == 2 + 6);
  CHECK(cause_with("") == answer);
}

// A server of another make behind a Unix-domain socket.
TEST_CASE("Python's websockets is reached by a Unix-domain socket", "[destinations]") {
  const temporary_directory directory;
  const std::string path = (directory.path() / "feed.sock").string();
  const std::string script = R"(
import asyncio, sys, websockets
async def serve(link, path=None):
    await link.send(link.request_headers['Host'] + ' ' + link.path)
    await link.wait_closed()
async def main():
    async with websockets.unix_serve(serve, sys.argv[1]):
        print('ready', flush=True)
        await asyncio.Future()
asyncio.run(main())
)";
  child_process python({"/usr/bin/python3", "-c", script, path});
  REQUIRE(python.line() == "ready");
  asio::io_context loop{1};
  std::string error;
  dial_request request = request_to(1, false);
  request.address = config::parse_url("ws+unix:" + path + ":/ticks?a=b", error).value();
  const auto dial = make_dialer(loop);
  auto result = run(loop, dial->dial(request));
  if (const auto* failed = std::get_if<fault>(&result)) FAIL(failed->cause);
  auto& link = *std::get<std::unique_ptr<transport>>(result);
  protocol::frame_view message;
  bool heard = false;
  while (!heard && !link.ended()) {
    run(loop, link.wait_readable());
    heard = link.next(message);
  }
  REQUIRE(heard);
  CHECK(std::string(message.bytes.begin(), message.bytes.end()) == "localhost /ticks?a=b");

  request.address.socket = path + "x";
  CHECK(cause_of(loop, request) == "there is no such socket: " + path + "x");
  std::ignore = directory.write("file", "");
  request.address.socket = (directory.path() / "file").string();
  CHECK(cause_of(loop, request) == "nobody listens on the socket " + request.address.socket);
}

namespace {

int option_of(tcp_socket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(socket.native_handle(), level, name, &value, &size);
  return value;
}

}  // namespace

TEST_CASE("TCP's options reach the socket", "[destinations]") {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  auto& socket = pair.ours;
  apply({}, socket);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0);
  apply({.no_delay = false, .keepalive = std::chrono::seconds(0), .user_timeout = std::chrono::seconds(7)},
        socket);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(option_of(socket, SOL_SOCKET, SO_KEEPALIVE) == 0);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 7000);
}

// The kernel counts in seconds, from 1 to 32767; the probes come four times as often as the first one.
TEST_CASE("TCP's options at their bounds", "[destinations]") {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  auto& socket = pair.ours;
  const auto idle_and_interval = [&](std::chrono::milliseconds keepalive) {
    apply({.keepalive = keepalive}, socket);
    CHECK(option_of(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT) == 4);
    return std::pair(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE),
                     option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL));
  };
  using std::chrono::milliseconds;
  CHECK(idle_and_interval(milliseconds(40'000)) == std::pair(40, 10));
  CHECK(idle_and_interval(milliseconds(1)) == std::pair(1, 1));
  CHECK(idle_and_interval(milliseconds(8'600)) == std::pair(9, 2));
  CHECK(idle_and_interval(std::chrono::hours(9)) == std::pair(32'400, 8'100));
  CHECK(idle_and_interval(std::chrono::hours(100)) == std::pair(32'767, 32'767));
}

// A socket's path has 107 bytes and a zero behind them.
TEST_CASE("a Unix-domain socket's path is not cut off", "[destinations]") {
  asio::io_context loop{1};
  dial_request request = request_to(1, false);
  const std::string longest = "/" + std::string(106, 'x');
  request.address.socket = longest;
  CHECK(cause_of(loop, request) == "there is no such socket: " + longest);
  request.address.socket = longest + "x";
  CHECK(cause_of(loop, request) == "the socket's path is too long: " + longest + "x");
}
