// The messages of SOCKS5 byte for byte, and what ends a tunnel before it is one: each reply, each bound.
#include <boost/asio/write.hpp>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/net/connect/socks.hpp"
#include "daemon/net/connect/tunnel.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::proxy_server;

std::string bytes(std::initializer_list<int> values) {
  std::string made;
  for (const int each : values) made += static_cast<char>(each);
  return made;
}

proxy_server proxy(bool socks, const std::string& username = {}, const std::string& password = {}) {
  return {.socks = socks, .host = "proxy.example", .port = 1080, .username = username, .password = password};
}

struct attempt {
  std::string complaint;  ///< behind the proxy's name; empty: the tunnel is open
  std::string sent;
};

/// Opens a tunnel by a proxy whose whole answer is there from the beginning.
attempt through(const proxy_server& via, const std::string& answer, const std::string& host = "far.example",
                std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  asio::write(pair.theirs, asio::buffer(answer));
  const auto connection = std::make_shared<tcp_connection>(std::move(pair.ours));
  config::url to;
  to.host = host;
  to.port = 443;
  attempt made;
  const auto failed = run(loop, open_tunnel(connection, via, to, limit));
  if (failed) {
    const std::string name = "the proxy " + via.display() + " ";
    CHECK(failed->kind == config::fault_class::connect);
    REQUIRE(failed->cause.starts_with(name));
    made.complaint = failed->cause.substr(name.size());
  }
  std::string heard(4096, '\0');
  const auto size = ::recv(pair.theirs.native_handle(), heard.data(), heard.size(), MSG_DONTWAIT);
  if (size > 0) made.sent = heard.substr(0, static_cast<std::size_t>(size));
  return made;
}

const std::string open_greeting = bytes({5, 0});
const std::string bound = bytes({0, 0, 0, 0, 0, 0});  // an IPv4 address and a port

/// What becomes of a tunnel whose proxy says this and no more.
std::string unfinished(const proxy_server& via, const std::string& answer) {
  return through(via, answer, "far.example", std::chrono::milliseconds(30)).complaint;
}
const std::string late = "did not answer within 30ms";

}  // namespace

TEST_CASE("SOCKS5: what a client says", "[tunnel]") {
  CHECK(socks::greeting(proxy(true)) == bytes({5, 1, 0}));
  CHECK(socks::greeting(proxy(true, "u")) == bytes({5, 2, 0, 2}));
  CHECK(socks::login(proxy(true, "user", "")) == bytes({1, 4}) + "user" + bytes({0}));
  const std::string longest(255, 'x');
  CHECK(socks::login(proxy(true, longest, longest)) == bytes({1, 255}) + longest + bytes({255}) + longest);
  CHECK(socks::connect_request("a.b", 0x1234) == bytes({5, 1, 0, 3, 3}) + "a.b" + bytes({0x12, 0x34}));
  CHECK(socks::connect_request("1.2.3.4", 80) == bytes({5, 1, 0, 1, 1, 2, 3, 4, 0, 80}));
  CHECK(socks::connect_request("::2", 0xff00) ==
        bytes({5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0}));
}

TEST_CASE("SOCKS5: how long a bound address is", "[tunnel]") {
  for (int kind = 0; kind < 256; ++kind) {
    INFO("kind " << kind);
    CHECK(socks::address_size(static_cast<std::uint8_t>(kind)) == (kind == 1 ? 6U : kind == 4 ? 18U : 0U));
  }
}

TEST_CASE("SOCKS5: every reply has its words", "[tunnel]") {
  CHECK(socks::reply_text(0) == "it succeeded");
  CHECK(socks::reply_text(8) == "it does not know this kind of address");
  for (int code = 0; code < 256; ++code) {
    const bool known =
        socks::reply_text(static_cast<std::uint8_t>(code)).find("which is not defined") == std::string::npos;
    CHECK(known == (code <= 8));
    if (code == 0) continue;
    const auto failed = through(proxy(true), open_greeting + bytes({5, code, 0, 1}) + bound);
    REQUIRE(failed.complaint ==
            "did not connect us to far.example:443: " + socks::reply_text(static_cast<std::uint8_t>(code)));
  }
}

// All of a reply is taken, however long its address is: a byte less is waited for, one more is too much.
TEST_CASE("SOCKS5: a reply with each kind of address opens the tunnel", "[tunnel]") {
  const std::string address =
      GENERATE(bytes({1}) + std::string(6, 'a'), bytes({4}) + std::string(18, 'a'),
               bytes({3, 0}) + std::string(2, 'a'), bytes({3, 1}) + std::string(3, 'a'),
               bytes({3, 255}) + std::string(257, 'a'));
  const std::string reply = open_greeting + bytes({5, 0, 0}) + address;
  CHECK(through(proxy(true), reply).complaint.empty());
  CHECK(unfinished(proxy(true), reply.substr(0, reply.size() - 1)) == late);
  CHECK(through(proxy(true), reply + "x").complaint == "sent more than its answer");
}

TEST_CASE("SOCKS5: a login when it is asked for, and only if we have one", "[tunnel]") {
  const std::string done = bytes({5, 0, 0, 1}) + bound;
  const auto request = socks::connect_request("far.example", 443);
  const auto known = proxy(true, "user", "password");
  CHECK(through(known, bytes({5, 2, 1, 0}) + done).complaint.empty());
  CHECK(through(known, bytes({5, 2, 1, 0}) + done).sent ==
        socks::greeting(known) + socks::login(known) + request);
  CHECK(through(known, bytes({5, 0}) + done).complaint.empty());
  CHECK(through(known, bytes({5, 0}) + done).sent == socks::greeting(known) + request);
  CHECK(through(known, bytes({5, 2, 1, 1})).complaint == "does not accept proxy.username and proxy.password");
  CHECK(through(known, bytes({5, 2, 1, 255})).complaint ==
        "does not accept proxy.username and proxy.password");
  CHECK(unfinished(known, bytes({5, 2, 1})) == late);
  CHECK(through(known, bytes({5, 1})).complaint == "accepts no login by user name and password");
  CHECK(through(known, bytes({5, 255})).complaint == "accepts no login by user name and password");
  const std::string unknown = "wants to know who we are: give proxy.username and proxy.password";
  CHECK(through(proxy(true), bytes({5, 2, 1, 0}) + done).complaint == unknown);
  CHECK(through(proxy(true), bytes({5, 255})).complaint == unknown);
  CHECK(through(proxy(true), bytes({5, 2, 1, 0}) + done).sent == socks::greeting(proxy(true)));
}

TEST_CASE("SOCKS5: another version is refused in the greeting and in the reply", "[tunnel]") {
  for (const int version : {0, 4, 6}) {
    CHECK(through(proxy(true), bytes({version, 0})).complaint.starts_with("does not speak SOCKS5"));
    CHECK(through(proxy(true), open_greeting + bytes({version, 0, 0, 1}) + bound).complaint ==
          "broke SOCKS5 in its reply");
  }
  for (const int kind : {0, 2, 5, 255})
    CHECK(through(proxy(true), open_greeting + bytes({5, 0, 0, kind}) + bound).complaint ==
          "broke SOCKS5 in its reply");
}

// A length is one byte.
TEST_CASE("SOCKS5: names and logins of up to 255 bytes", "[tunnel]") {
  const std::string fits(255, 'x');
  const std::string over(256, 'x');
  const std::string done = bytes({5, 0, 0, 1}) + bound;
  const auto complaint = [&](const std::string& user, const std::string& password, const std::string& host) {
    return through(proxy(true, user, password), bytes({5, 2, 1, 0}) + done, host).complaint;
  };
  CHECK(complaint(fits, fits, fits).empty());
  CHECK(complaint("u", "p", over) == "cannot be asked for a name longer than 255 bytes");
  const std::string refusal = "cannot be told a user name or password longer than 255 bytes";
  CHECK(complaint(over, "p", "host") == refusal);
  CHECK(complaint("u", over, "host") == refusal);
  CHECK(through(proxy(true, over), open_greeting).sent.empty());
}

TEST_CASE("CONNECT: what a client says", "[tunnel]") {
  const auto said = [](const proxy_server& via, const std::string& host) {
    return through(via, "HTTP/1.1 200 OK\r\n\r\n", host).sent;
  };
  const auto head = [](const std::string& server) {
    return "CONNECT " + server + " HTTP/1.1\r\nHost: " + server + "\r\nUser-Agent: duplexd\r\n";
  };
  CHECK(said(proxy(false), "far.example") == head("far.example:443") + "\r\n");
  CHECK(said(proxy(false), "2001:db8::1") == head("[2001:db8::1]:443") + "\r\n");
  CHECK(said(proxy(false), "fe80::1%eth0") ==
        head("[fe80::1]:443") + "\r\n");  // a zone is this machine's own
  const std::string login = "Proxy-Authorization: Basic ";
  CHECK(said(proxy(false, "u", ""), "a") == head("a:443") + login + "dTo=\r\n\r\n");
  CHECK(said(proxy(false, "u", "p"), "a") == head("a:443") + login + "dTpw\r\n\r\n");
  CHECK(said(proxy(false, "u", "p:"), "a") == head("a:443") + login + "dTpwOg==\r\n\r\n");
}

TEST_CASE("CONNECT: every status from 200 to 299 opens the tunnel", "[tunnel]") {
  for (const int status : {101, 200, 204, 299, 300, 401, 403, 407, 502}) {
    const std::string said = "HTTP " + std::to_string(status) + " Word";
    const auto complaint = [&](const proxy_server& via) {
      return through(via, "HTTP/1.1 " + std::to_string(status) + " Word\r\n\r\n").complaint;
    };
    INFO(status);
    if (status >= 200 && status <= 299) {
      CHECK(complaint(proxy(false)).empty());
    } else if (status == 401 || status == 407) {
      CHECK(complaint(proxy(false)).starts_with("wants to know who we are"));
      CHECK(complaint(proxy(false, "u", "p")).starts_with("does not accept proxy.username"));
    } else {
      CHECK(complaint(proxy(false)) == "did not connect us to far.example:443: " + said);
      CHECK(complaint(proxy(false, "u", "p")) == "did not connect us to far.example:443: " + said);
    }
  }
}

TEST_CASE("CONNECT: of a reason phrase 80 bytes are told", "[tunnel]") {
  const auto complaint = [](std::size_t size) {
    return through(proxy(false), "HTTP/1.1 502 " + std::string(size, 'r') + "\r\n\r\n").complaint;
  };
  const std::string told = "did not connect us to far.example:443: HTTP 502 " + std::string(80, 'r');
  CHECK(complaint(80) == told);
  CHECK(complaint(81) == told + "…");
}

TEST_CASE("CONNECT: interim answers are skipped, and a reason phrase may lack", "[tunnel]") {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 Word\r\nA: b\r\n\r\n";
  CHECK(through(proxy(false), interim + "HTTP/1.1 200\r\n\r\n").complaint.empty());
  CHECK(through(proxy(false), interim + "HTTP/1.1 502\r\n\r\n").complaint ==
        "did not connect us to far.example:443: HTTP 502 Bad Gateway");
  CHECK(unfinished(proxy(false), interim) == late);
}

// A user name ends at the first colon (RFC 7617), and a line break would make headers.
TEST_CASE("CONNECT: a login that cannot be told is not sent", "[tunnel]") {
  const std::string line_break =
      "cannot be told a user name or password with a line break in it (proxy.username, proxy.password)";
  CHECK(through(proxy(false, "u:v", "p"), "").complaint ==
        "cannot be told a user name with a colon in it (proxy.username)");
  CHECK(through(proxy(false, "u\n", "p"), "").complaint == line_break);
  CHECK(through(proxy(false, "u", "p\r\nX: y"), "").complaint == line_break);
  CHECK(through(proxy(false, "u", "p\x7f"), "").sent.empty());
}

// A proxy that talks without an end is not listened to for ever.
TEST_CASE("CONNECT: a head without an end is given up by its size", "[tunnel]") {
  CHECK(unfinished(proxy(false), "HTTP/1.1 200 OK\r\nX: y\r\n") == late);
  CHECK(through(proxy(false), "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'y'))
            .complaint.starts_with("answered with something else than HTTP: 'HTTP/1.1 200 OK X: y"));
  CHECK(through(proxy(false), "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'y'))
            .complaint.ends_with("(the head of the proxy's answer is larger than the limit of 65536 bytes)"));
  CHECK(through(proxy(false), "HTTP/1.1 200 OK\r\nX: " + std::string(65'000, 'y') + "\r\n\r\n")
            .complaint.empty());
  CHECK(through(proxy(false), "HTTP/1.1 200 OK\r\n\r\nx").complaint == "sent more than its answer");
  CHECK(through(proxy(false), std::string(50, 'S') + "\r\n\r\n").complaint ==
        "answered with something else than HTTP: '" + std::string(40, 'S') + "…'");
}
