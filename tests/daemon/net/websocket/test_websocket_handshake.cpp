// The handshake: what is asked for, and each thing in an answer that makes it none.
#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/websocket/handshake_text.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using std::chrono::milliseconds;

handshake_request plain_request() {
  handshake_request made;
  made.host = "feed.example:8080";
  made.target = "/ticks?a=b";
  made.limit = milliseconds(5'000);
  return made;
}

using answer_maker = std::function<std::string(const std::string& request)>;

asio::awaitable<void> answer_once(tcp_socket& socket, const answer_maker& make, std::string& head) {
  while (head.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 2048> piece{};
    const auto size = co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
    head.append(piece.data(), size);
  }
  const std::string answer = make(head);
  co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
  socket.shutdown(tcp_socket::shutdown_send);
}

struct outcome {
  std::string request;
  std::string cause;  ///< empty: a link
  int redirect = 0;
  std::string location;
};

outcome upgrade(handshake_request request, const answer_maker& make) {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  outcome made;
  asio::co_spawn(loop, answer_once(pair.theirs, make, made.request), [](std::exception_ptr) {});
  const auto result = run(
      loop, handshake_as_client(std::make_shared<tcp_connection>(std::move(pair.ours)), std::move(request)));
  if (const auto* failed = std::get_if<fault>(&result)) {
    CHECK(failed->kind == config::fault_class::http);
    made.cause = failed->cause;
  }
  if (const auto* other = std::get_if<handshake_redirect>(&result)) {
    made.cause = other->answer.cause;
    made.redirect = other->status;
    made.location = other->location;
  }
  return made;
}

/// A right answer, in which a part is replaced.
answer_maker changed(const std::string& part, const std::string& by) {
  return [part, by](const std::string& request) {
    std::string answer = upgrade_answer_to(request);
    const auto at = answer.find(part);
    REQUIRE(at != std::string::npos);
    return answer.replace(at, part.size(), by);
  };
}

answer_maker with_headers(const std::string& more) {
  return [more](const std::string& request) { return upgrade_answer_to(request, more); };
}

std::string cause_with(const std::string& more, handshake_request request = plain_request()) {
  return upgrade(std::move(request), with_headers(more)).cause;
}

handshake_request offering(std::vector<std::string> subprotocols) {
  auto made = plain_request();
  made.subprotocols = std::move(subprotocols);
  return made;
}

}  // namespace

TEST_CASE("the request has all that was asked for and nothing else", "[upgrade]") {
  const auto bare = upgrade(plain_request(), with_headers({})).request;
  CHECK(bare.starts_with("GET /ticks?a=b HTTP/1.1\r\nHost: feed.example:8080\r\n"));
  CHECK(bare.find("\r\nUser-Agent: duplexd\r\n") != std::string::npos);
  CHECK(bare.find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
  CHECK(bare.find("Sec-WebSocket-Protocol") == std::string::npos);
  CHECK(bare.find("Sec-WebSocket-Extensions") == std::string::npos);
  auto request = offering({"mqtt", "v12.stomp"});
  request.deflate.emplace();
  request.headers = {{"Authorization", "Bearer 1"}, {"User-Agent", "me"}};
  const auto full = upgrade(std::move(request), with_headers({})).request;
  CHECK(full.find("\r\nSec-WebSocket-Protocol: mqtt, v12.stomp\r\n") != std::string::npos);
  CHECK(full.find("\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n") !=
        std::string::npos);
  CHECK(full.find("\r\nAuthorization: Bearer 1\r\n") != std::string::npos);
  CHECK(full.find("\r\nUser-Agent: me\r\n") != std::string::npos);
  CHECK(full.find("duplexd") == std::string::npos);
}

// RFC 6455, 4.1, page 19.
TEST_CASE("an answer is accepted only with each of its parts", "[upgrade]") {
  const auto cause = [](const std::string& part, const std::string& by) {
    return upgrade(plain_request(), changed(part, by)).cause;
  };
  CHECK(cause("HTTP/1.1", "HTTP/1.1").empty());
  CHECK(cause("Upgrade: websocket", "Upgrade: WebSocket").empty());
  CHECK(cause("Connection: Upgrade", "Connection: keep-alive, upgrade").empty());
  const std::string begin = "WebSocket handshake: ";
  CHECK(cause("Upgrade: websocket\r\n", "").starts_with(begin));
  CHECK(cause("Upgrade: websocket", "Upgrade: h2c").starts_with(begin));
  CHECK(cause("Connection: Upgrade\r\n", "").starts_with(begin));
  CHECK(cause("Connection: Upgrade", "Connection: close").starts_with(begin));
  CHECK(cause("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x").starts_with(begin));
  CHECK(cause("Sec-WebSocket-Accept: ", "X-Accept: ").starts_with(begin));
  CHECK(cause("HTTP/1.1", "HTTP/1.0").starts_with(begin));
  CHECK(cause("101 Switching Protocols", "200 OK").starts_with("the server answered HTTP 200 OK"));
  CHECK(cause("101 Switching Protocols", "102 Processing") ==
        "WebSocket handshake: the peer ended the connection before it answered");
  CHECK(upgrade(plain_request(), [](const std::string&) { return std::string(); }).cause ==
        "WebSocket handshake: the peer ended the connection before it answered (is it a wss:// address?)");
  CHECK(upgrade(plain_request(), [](const std::string&) {
          return std::string("\x15\x03\x01\x00\x02\x02\x46", 7);
        }).cause == "WebSocket handshake: the server speaks TLS on this port (is it a wss:// address?)");
}

// What other servers send, and a browser accepts.
TEST_CASE("interim answers, large heads and heads without a reason phrase are read", "[upgrade]") {
  const auto cause = [](const std::string& part, const std::string& by) {
    return upgrade(plain_request(), changed(part, by)).cause;
  };
  CHECK(cause("HTTP/1.1", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1").empty());
  CHECK(cause("101 Switching Protocols", "101").empty());
  CHECK(cause("Upgrade: ", "X: " + std::string(60'000, 'x') + "\r\nUpgrade: ").empty());
  CHECK(cause("Upgrade: ", "X: " + std::string(70'000, 'x') + "\r\nUpgrade: ") ==
        "WebSocket handshake: the head of the server's answer is larger than the limit of 65536 bytes");
}

// RFC 9110, 5.3: several lines are one list, and none of them is overlooked.
TEST_CASE("repeated fields of an answer are lists", "[upgrade]") {
  const auto cause = [](const std::string& part, const std::string& by) {
    return upgrade(plain_request(), changed(part, by)).cause;
  };
  CHECK(cause("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade").empty());
  CHECK(cause("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket").empty());
  CHECK_FALSE(cause_with("Sec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXI=\r\n").empty());
  CHECK_FALSE(
      cause_with("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", offering({"a", "b"})).empty());
}

// Order and case of Python's websockets 10 to 17: connect(url, origin="https://a", subprotocols=["a", "b"],
// extra_headers={"Authorization": "Bearer 1"}). tests/e2e/test_handshake.py asks the one that is installed.
TEST_CASE("the request is the one that Python's websockets sends", "[upgrade]") {
  auto request = offering({"a", "b"});
  request.deflate.emplace();
  request.headers = {{"Authorization", "Bearer 1"}, {"Origin", "https://a"}};
  CHECK(handshake_text(request, "key") ==
        "GET /ticks?a=b HTTP/1.1\r\n"
        "Host: feed.example:8080\r\n"
        "Origin: https://a\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: key\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        "Sec-WebSocket-Protocol: a, b\r\n"
        "Authorization: Bearer 1\r\n"
        "User-Agent: duplexd\r\n"
        "\r\n");
}

TEST_CASE("a request as it goes over the wire, with a key of its own", "[upgrade]") {
  auto request = offering({"a", "b"});
  request.deflate.emplace();
  request.headers = {{"X", "y"}, {"user-agent", "me"}, {"HOST", "other"}};
  CHECK(handshake_text(request, "key") ==
        "GET /ticks?a=b HTTP/1.1\r\nHOST: other\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: key\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        "Sec-WebSocket-Protocol: a, b\r\nX: y\r\nuser-agent: me\r\n\r\n");
  CHECK(accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, 1.3
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.insert(make_websocket_key());
  CHECK(keys.size() == 100);
  CHECK(keys.begin()->size() == 24);
}

TEST_CASE("a subprotocol must be one of those offered, or none", "[upgrade]") {
  CHECK(cause_with("", offering({"mqtt"})).empty());
  CHECK(cause_with("Sec-WebSocket-Protocol: mqtt\r\n", offering({"mqtt"})).empty());
  CHECK(cause_with("Sec-WebSocket-Protocol: mqtt\r\n", offering({"stomp", "mqtt"})).empty());
  const auto refusal = [](const std::string& chosen) {
    return "WebSocket handshake: the server chose the subprotocol '" + chosen + "', which was not offered";
  };
  CHECK(cause_with("Sec-WebSocket-Protocol: mqtt\r\n") == refusal("mqtt"));
  CHECK(cause_with("Sec-WebSocket-Protocol: MQTT\r\n", offering({"mqtt"})) == refusal("MQTT"));
  CHECK(cause_with("Sec-WebSocket-Protocol: mqt\r\n", offering({"mqtt"})) == refusal("mqt"));
  CHECK(cause_with("Sec-WebSocket-Protocol: a, b\r\n", offering({"a", "b"})) == refusal("a, b"));
}

TEST_CASE("a server that chooses no subprotocol is refused only if one is required", "[upgrade]") {
  auto request = offering({"stomp", "mqtt"});
  request.subprotocol_required = true;
  CHECK(cause_with("Sec-WebSocket-Protocol: mqtt\r\n", request).empty());
  CHECK(cause_with("", request) ==
        "WebSocket handshake: the server chose none of the subprotocols that were offered (stomp, mqtt), and "
        "one "
        "is required");
}

TEST_CASE("extensions must be those offered, with parameters that were offered", "[upgrade]") {
  const auto offered = [](std::uint16_t server_bits = 15) {
    auto made = plain_request();
    made.deflate = config::deflate_settings{.server_max_window_bits = server_bits};
    return made;
  };
  const auto extension = [](const std::string& value) {
    return "Sec-WebSocket-Extensions: " + value + "\r\n";
  };
  CHECK(cause_with("", offered()).empty());
  CHECK(cause_with(extension("permessage-deflate"), offered()).empty());
  CHECK(cause_with(extension("permessage-deflate; server_max_window_bits=9"), offered(9)).empty());
  const std::string begin = "WebSocket handshake: the server";
  CHECK(cause_with(extension("permessage-deflate")) ==
        begin + " insists on an extension that was not offered: permessage-deflate");
  CHECK(cause_with(extension("x-other"), offered()) ==
        begin + " insists on an extension that was not offered: x-other");
  CHECK(
      cause_with(extension("permessage-deflate; server_max_window_bits=10"), offered(9)).starts_with(begin));
  CHECK(cause_with(extension("permessage-deflate; mystery"), offered()).starts_with(begin));
  // Two headers are one list (RFC 6455, 9.1): the second one is not overlooked.
  CHECK(cause_with(extension("permessage-deflate") + extension("x-other"), offered()).starts_with(begin));
  CHECK(cause_with(extension("x-other") + extension("permessage-deflate"), offered()).starts_with(begin));
  CHECK(cause_with(extension("permessage-deflate") + extension("permessage-deflate"), offered())
            .starts_with(begin));
  // Empty elements of a list are nothing (RFC 9110, 5.6.1).
  CHECK(cause_with(extension(""), offered()).empty());
  CHECK(cause_with(extension("") + extension("permessage-deflate"), offered()).empty());
  CHECK(cause_with(extension(" , permessage-deflate ,"), offered()).empty());
  for (const std::string bad : {"permessage-deflate;", "permessage-deflate; server_max_window_bits=9;"}) {
    INFO(bad);
    CHECK(cause_with(extension(bad), offered(9)) ==
          "WebSocket handshake: the server's extension is malformed: a parameter must follow ';' in " + bad);
  }
  CHECK(cause_with(extension("permessage-deflate;;server_max_window_bits=9"), offered(9)).starts_with(begin));
}

TEST_CASE("a redirect is one only with a status and a location", "[upgrade]") {
  const auto answered = [](const std::string& status, const std::string& headers) {
    return upgrade(plain_request(), [&](const std::string&) {
      return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n" + headers + "\r\n";
    });
  };
  const auto moved = answered("307 Temporary", "Location: /a?b\r\n");
  CHECK(moved.redirect == 307);
  CHECK(moved.location == "/a?b");
  CHECK(moved.cause == "the server answered HTTP 307 Temporary, go to /a");
  CHECK(answered("307 Temporary", "").redirect == 0);
  CHECK(answered("201 Created", "Location: /a\r\n").redirect == 0);
  CHECK(answered("304 Not Modified", "Location: /a\r\n").redirect == 0);
}

namespace {

struct served {
  std::string answer;
  std::vector<handshake_offer> offers;
  std::string cause;  ///< empty: a link
};

/// The server's side, asked with these bytes.
served serve(const std::string& request, handshake_answer reply, milliseconds limit = milliseconds(5'000)) {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  asio::write(pair.theirs, asio::buffer(request));
  if (!request.empty()) pair.theirs.shutdown(tcp_socket::shutdown_send);
  served made;
  handshake_decision decide = [&](const handshake_offer& offer) {
    made.offers.push_back(offer);
    return reply;
  };
  const auto result = run(loop, handshake_as_server(std::make_shared<tcp_connection>(std::move(pair.ours)),
                                                    std::move(decide), limit));
  if (const auto* failed = std::get_if<fault>(&result)) made.cause = failed->cause;
  loop.restart();
  loop.poll();
  std::string heard(4096, '\0');
  const auto size = ::recv(pair.theirs.native_handle(), heard.data(), heard.size(), MSG_DONTWAIT);
  if (size > 0) made.answer = heard.substr(0, static_cast<std::size_t>(size));
  return made;
}

const std::string asked =
    "GET /ticks HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n";

}  // namespace

// The key and its answer are RFC 6455's own example.
TEST_CASE("a server answers an offer as it is told to", "[upgrade]") {
  const auto opened = serve(asked, {.subprotocol = "superchat", .body = {}});
  CHECK(opened.cause.empty());
  REQUIRE(opened.offers.size() == 1);
  CHECK(opened.offers[0].target == "/ticks");
  CHECK(opened.offers[0].subprotocols == std::vector<std::string>{"chat", "superchat"});
  CHECK(opened.answer.starts_with("HTTP/1.1 101 "));
  CHECK(opened.answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
  CHECK(opened.answer.find("Sec-WebSocket-Protocol: superchat\r\n") != std::string::npos);
  CHECK(opened.answer.find("Server: duplexd simulate\r\n") != std::string::npos);
  CHECK(serve(asked, {}).answer.find("Sec-WebSocket-Protocol") == std::string::npos);
}

TEST_CASE("a server refuses with the reason, and serves a page or tells what it is", "[upgrade]") {
  const auto refused = serve(asked, {.status = 403, .subprotocol = {}, .body = "not you"});
  CHECK(refused.cause == "refused with HTTP 403: not you");
  CHECK(refused.answer.starts_with("HTTP/1.1 403 "));
  CHECK(refused.answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(refused.answer.ends_with("\r\n\r\nnot you\n"));
  const auto other = serve("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {});
  REQUIRE(other.offers.size() == 1);
  CHECK_FALSE(other.offers[0].upgrade);
  CHECK(other.answer.starts_with("HTTP/1.1 426 "));
  CHECK(other.cause == "refused with HTTP 426: This is a WebSocket server.");
  const auto page = serve("GET /token?a=1 HTTP/1.1\r\nHost: a\r\n\r\n",
                          {.status = 200, .subprotocol = {}, .body = R"({"token":1})", .json = true});
  REQUIRE(page.offers.size() == 1);
  CHECK(page.offers[0].target == "/token?a=1");
  CHECK(page.answer.starts_with("HTTP/1.1 200 "));
  CHECK(page.answer.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(page.answer.ends_with("\r\n\r\n{\"token\":1}\n"));
  CHECK(serve("", {}, milliseconds(30)).cause == "WebSocket handshake: no request within 30ms");
  CHECK(serve("GET / HT", {}).cause.starts_with("WebSocket handshake: "));
}
