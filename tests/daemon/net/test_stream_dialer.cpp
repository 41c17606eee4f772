// Connections that are only sent to, over real sockets.
#include <openssl/ssl.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "daemon/net/make_stream_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net::test;
using namespace std::chrono_literals;
using tcp = asio::ip::tcp;

server_request request_to(std::uint16_t port) {
  server_request made;
  made.address = {.secure = false, .host = "127.0.0.1", .port = port};
  return made;
}

/// A listener, and a stream that is connected to it.
struct peer_scene {
  asio::io_context loop{1};
  tcp::acceptor listener{loop, {asio::ip::address_v4::loopback(), 0}};
  std::unique_ptr<stream_dialer> dialer = make_stream_dialer(loop);
  std::unique_ptr<sending_stream> stream;
  tcp::socket peer{loop};

  peer_scene() {
    auto opened = run(loop, dialer->open(request_to(listener.local_endpoint().port())));
    if (const auto* failed = std::get_if<fault>(&opened)) FAIL(failed->cause);
    stream = std::get<std::unique_ptr<sending_stream>>(std::move(opened));
    listener.accept(peer);
  }
  std::string send(std::string bytes, std::chrono::milliseconds limit = 30s) {
    return run(loop, stream->send(std::move(bytes), limit));
  }
  std::string received(std::size_t size) {
    std::string got(size, '\0');
    asio::read(peer, asio::buffer(got));
    return got;
  }
};

}  // namespace

TEST_CASE("bytes are sent when the peer's system has them, and the peer reads them in order", "[stream]") {
  peer_scene s;
  CHECK(s.send("first ").empty());
  CHECK(s.send(std::string(100'000, 'x')).empty());
  CHECK(s.stream->end_cause().empty());
  CHECK(s.received(100'006) == "first " + std::string(100'000, 'x'));
}

TEST_CASE("what the peer says does not matter, its end is known", "[stream]") {
  peer_scene s;
  asio::write(s.peer, asio::buffer(std::string(100'000, 'y')));
  CHECK(s.send("a").empty());
  s.peer.close();
  CHECK(run_until(s.loop, [&] { return !s.stream->end_cause().empty(); }));
  CHECK_FALSE(s.send("b").empty());
}

namespace {

/// More than the systems of both ends hold.
std::string much() {
  std::string bytes;
  bytes.resize(50'000'000, 'x');
  return bytes;
}

}  // namespace

// It is not acknowledged before the peer reads.
TEST_CASE("a peer that does not read makes sending fail within its limit", "[stream]") {
  peer_scene s;
  CHECK(s.send(much(), 100ms) == "the peer did not take what was sent within 100ms");
  CHECK_FALSE(s.stream->end_cause().empty());
}

TEST_CASE("a peer that dies while bytes are on their way makes sending fail", "[stream]") {
  peer_scene s;
  s.peer.set_option(asio::socket_base::linger(true, 0));
  asio::post(s.loop, [&] { s.peer.close(); });
  CHECK_FALSE(s.send(much()).empty());
  CHECK_FALSE(s.stream->end_cause().empty());
}

// The reader has not found out yet.
TEST_CASE("bytes that are sent after the peer has died are not taken for acknowledged", "[stream]") {
  peer_scene s;
  CHECK(s.send("a").empty());
  s.peer.set_option(asio::socket_base::linger(true, 0));
  s.peer.close();
  CHECK_FALSE(s.send("b").empty());
}

TEST_CASE("a stream that is let go of is closed", "[stream]") {
  peer_scene s;
  CHECK(s.send("abc").empty());
  s.stream.reset();
  std::string got(10, '\0');
  boost::system::error_code end;
  CHECK(asio::read(s.peer, asio::buffer(got), end) == 3);
  CHECK(end == asio::error::eof);
}

TEST_CASE("sending that is cancelled ends", "[stream]") {
  peer_scene s;
  asio::cancellation_signal stop;
  bool ended = false;
  auto work = [](sending_stream& to) -> asio::awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await to.send(much(), 1h);
  };
  asio::co_spawn(s.loop, work(*s.stream),
                 asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&) { ended = true; }));
  run_ready(s.loop);
  CHECK_FALSE(ended);
  stop.emit(asio::cancellation_type::all);
  CHECK(run_until(s.loop, [&] { return ended; }));
}

TEST_CASE("nobody there: the fault says who and why", "[stream]") {
  asio::io_context loop{1};
  tcp::acceptor listener{loop, {asio::ip::address_v4::loopback(), 0}};
  const auto port = listener.local_endpoint().port();
  listener.close();
  const auto dialer = make_stream_dialer(loop);
  auto opened = run(loop, dialer->open(request_to(port)));
  REQUIRE(std::holds_alternative<fault>(opened));
  CHECK(std::get<fault>(opened).cause == "connection refused by 127.0.0.1:" + std::to_string(port));
}

namespace {

int accept_any(int /*ok*/, X509_STORE_CTX* /*store*/) {
  return 1;
}

/// A server of TLS 1.3, which judges a client's certificate when the handshake is over for the client.
struct judge {
  explicit judge(int asks_for_certificate, std::optional<std::chrono::milliseconds> ends = std::nullopt)
      : ends_after(ends) {
    SSL_CTX_set_verify(context.get(), asks_for_certificate, &accept_any);
  }

  asio::awaitable<void> serve(std::shared_ptr<duplexd::net::tcp_connection> client) {
    auto engine = std::make_unique<duplexd::net::tls_engine>(context);
    const bool done = co_await client->start_tls(std::move(engine));
    if (!done) co_return;
    if (!ends_after) {
      kept = std::move(client);
      co_return;
    }
    asio::steady_timer timer(loop, *ends_after);
    co_await timer.async_wait(asio::use_awaitable);
    client->abort();
  }

  stream_result open() {
    const auto dialer = make_stream_dialer(loop);
    server_request to;
    to.address = {.secure = true, .host = "localhost", .port = server.port()};
    to.ca_file = trusted.ca_file();
    to.cert_file = certificate;
    return run(loop, dialer->open(std::move(to)));
  }

  trust trusted;
  std::string certificate;
  asio::io_context loop{1};
  duplexd::net::tls_context context = trusted.server();
  std::optional<std::chrono::milliseconds> ends_after;
  std::shared_ptr<duplexd::net::tcp_connection> kept;
  test_server server{loop, [this](std::shared_ptr<duplexd::net::tcp_connection> client) {
                       return serve(std::move(client));
                     }};
};

constexpr int asks = SSL_VERIFY_PEER;
constexpr int insists = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

}  // namespace

// What were sent in this second might be acknowledged by the system of a server that refuses it.
TEST_CASE("a server that asks for a certificate has a second to refuse it", "[stream]") {
  judge server{asks};
  if (GENERATE(false, true)) {
    const auto client = server.trusted.authority().issue({"client"});
    server.certificate = server.trusted.write("client.pem", client.certificate + client.key);
  }
  const auto began = std::chrono::steady_clock::now();
  auto opened = server.open();
  CHECK(std::chrono::steady_clock::now() - began >= 1s);
  REQUIRE(std::holds_alternative<std::unique_ptr<sending_stream>>(opened));
  auto& stream = *std::get<std::unique_ptr<sending_stream>>(opened);
  CHECK(run(server.loop, stream.send("a", 30s)).empty());
}

TEST_CASE("a refusal within that second is a fault of the connection", "[stream]") {
  SECTION("with an alert") {
    judge server{insists};
    const auto opened = server.open();
    REQUIRE(std::holds_alternative<fault>(opened));
    CHECK(std::get<fault>(opened).kind == config::fault_class::tls);
    CHECK(std::get<fault>(opened).cause.starts_with("TLS: the peer refused TLS with the alert"));
  }
  SECTION("with the end") {
    judge server{asks, 300ms};
    const auto opened = server.open();
    REQUIRE(std::holds_alternative<fault>(opened));
    CHECK(std::get<fault>(opened).cause.starts_with("TLS: "));
    CHECK(std::get<fault>(opened).cause.ends_with(" after it asked for a client certificate"));
  }
}

TEST_CASE("a server that asks for no certificate has nothing to refuse", "[stream]") {
  judge server{SSL_VERIFY_NONE, 300ms};
  const auto opened = server.open();
  CHECK(std::holds_alternative<std::unique_ptr<sending_stream>>(opened));
}
