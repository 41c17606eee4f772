#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/link/dial_observer.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tcp/resolver.hpp"
#include "daemon/net/tls/certificates.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::fault_class;
using std::chrono::milliseconds;

/// Dials and gives the fault; a link is a failure of the test.
fault must_fail(asio::io_context& loop, dial_request request) {
  const auto dial = make_dialer(loop);
  auto result = run(loop, dial->dial(std::move(request)));
  REQUIRE(std::holds_alternative<fault>(result));
  return std::get<fault>(std::move(result));
}

/// Reads the request and answers with these bytes, then ends the connection, or stays silent.
test_server::serve_function answer_with(std::string bytes, bool end) {
  return [bytes, end](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos && !connection->end_cause()) {
      co_await connection->wait_readable();
      connection->fill();
      const auto got = connection->received();
      request.append(reinterpret_cast<const char*>(got.data()), got.size());
      connection->consume(got.size());
    }
    co_await asio::async_write(connection->socket(), asio::buffer(bytes), asio::use_awaitable);
    if (end) co_await connection->finish(std::chrono::seconds(2));
    while (!connection->end_cause()) {
      co_await connection->wait_readable();
      connection->fill();
    }
  };
}

/// Accepts and says nothing until the client goes.
test_server::serve_function silence() {
  return answer_with("", false);
}

/// A port that lets no connection come about: its queue is full and nobody accepts.
class deaf_port {
 public:
  explicit deaf_port(asio::io_context& loop) : acceptor_(loop.get_executor()) {
    acceptor_.open(asio::ip::tcp::v4());
    acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    acceptor_.listen(0);
    for (auto& each : waiting_) {
      each.emplace(loop.get_executor());
      each->open(asio::ip::tcp::v4());
      each->native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      ::connect(each->native_handle(), to.data(),
                static_cast<socklen_t>(to.size()));  // Asio's own would wait
    }
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> acceptor_;
  std::array<std::optional<tcp_socket>, 4> waiting_;
};

/// A port of the loopback where nobody listens.
std::uint16_t closed_port(asio::io_context& loop) {
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> acceptor(loop.get_executor(),
                                                                     {asio::ip::address_v4::loopback(), 0});
  return acceptor.local_endpoint().port();
}

fault tls_fault(const trust& trusted, const issued_certificate& shown, const std::string& ca_file,
                const std::string& host = "localhost", const std::string& server_name = {}) {
  asio::io_context loop{1};
  test_server server(loop, echo_server(trusted.server(shown)));
  auto request = request_to(server.port(), true, ca_file, host);
  if (!server_name.empty()) request.tls.server_name = server_name;
  return must_fail(loop, std::move(request));
}

}  // namespace

TEST_CASE("a refused port names the address") {
  asio::io_context loop{1};
  const auto port = closed_port(loop);
  const auto failed = must_fail(loop, request_to(port, true, {}, "127.0.0.1"));
  CHECK(failed.kind == fault_class::connect);
  CHECK(failed.cause == "connection refused by 127.0.0.1:" + std::to_string(port));
}

// localhost has addresses of both families here: each is tried and named.
TEST_CASE("all addresses of a name are tried and named") {
  asio::io_context loop{1};
  const auto port = closed_port(loop);
  const auto failed = must_fail(loop, request_to(port, false));
  CHECK(contains(failed.cause, "127.0.0.1:" + std::to_string(port)));
  const auto addresses = std::get<std::vector<asio::ip::address>>(lookup_host("localhost"));
  for (const auto& address : addresses) CHECK(contains(failed.cause, address.to_string()));
}

TEST_CASE("a name that does not exist is a fault of the resolver") {
  asio::io_context loop{1};
  auto request = request_to(80, false, {}, "no-such-host.invalid");
  const auto failed = must_fail(loop, std::move(request));
  CHECK(failed.kind == fault_class::resolve);
  CHECK(contains(failed.cause, "'no-such-host.invalid'"));
}

// Each way a certificate can be wrong has its own words, with what to do.
TEST_CASE("a wrong certificate is refused and explained") {
  const trust trusted;
  const auto& authority = trusted.authority();
  using std::chrono::hours;

  const auto expired =
      tls_fault(trusted, authority.issue({"localhost"}, {-hours(48), -hours(24)}), trusted.ca_file());
  CHECK(expired.kind == fault_class::tls);
  CHECK(contains(expired.cause, "certificate has expired on 20"));

  const auto early =
      tls_fault(trusted, authority.issue({"localhost"}, {hours(24), hours(48)}), trusted.ca_file());
  CHECK(contains(early.cause, "not valid before 20"));

  const auto self_signed = tls_fault(trusted, make_self_signed({"localhost"}), trusted.ca_file());
  CHECK(self_signed.kind == fault_class::tls);
  CHECK(contains(self_signed.cause, "self-signed certificate (CN=localhost): give it as ca_file"));

  const auto stranger =
      tls_fault(trusted, throw_away_authority("stranger").issue({"localhost"}), trusted.ca_file());
  CHECK(contains(stranger.cause, "certificate"));
  CHECK(stranger.kind == fault_class::tls);

  const auto system_store = tls_fault(trusted, authority.issue({"localhost"}), "");
  CHECK(contains(system_store.cause, "not trusted here (CN=test authority)"));

  const auto wrong_host =
      tls_fault(trusted, authority.issue({"foo.example", "bar.example"}), trusted.ca_file());
  CHECK(contains(wrong_host.cause, "certificate is for 'foo.example', 'bar.example', not for 'localhost'"));

  const auto wrong_address =
      tls_fault(trusted, authority.issue({"10.0.0.1"}), trusted.ca_file(), "127.0.0.1");
  CHECK(contains(wrong_address.cause, "certificate is for '10.0.0.1', not for '127.0.0.1'"));

  const auto other_name =
      tls_fault(trusted, authority.issue({"localhost"}), trusted.ca_file(), "localhost", "other.example");
  CHECK(contains(other_name.cause, "not for 'other.example'"));
}

// What makes a certificate right: the address, the given name, the certificate itself as the CA file, or no
// check.
TEST_CASE("a right certificate is accepted") {
  const trust trusted;
  asio::io_context loop{1};
  auto issued = trusted.authority().issue({"name.example", "127.0.0.1"});
  const auto own = make_self_signed({"localhost"});
  const bool self_signed = GENERATE(false, true);
  test_server server(loop, echo_server(trusted.server(self_signed ? own : issued)));
  std::vector<dial_request> requests;
  if (self_signed) {
    requests.push_back(request_to(server.port(), true, trusted.write("own.pem", own.certificate)));
    requests.push_back(request_to(server.port(), true));
    requests.back().tls.verify = false;
  } else {
    requests.push_back(request_to(server.port(), true, trusted.ca_file(), "127.0.0.1"));
    requests.push_back(request_to(server.port(), true, trusted.ca_file()));
    requests.back().tls.server_name = "name.example";
  }
  const auto dial = make_dialer(loop);
  for (auto& request : requests) {
    const auto result = run(loop, dial->dial(std::move(request)));
    if (const auto* failed = std::get_if<fault>(&result)) FAIL(failed->cause);
  }
}

TEST_CASE("a CA file that is no use is named") {
  const trust trusted;
  asio::io_context loop{1};
  test_server server(loop, echo_server(trusted.server()));
  const auto missing = must_fail(loop, request_to(server.port(), true, "/nonexistent/ca.pem"));
  CHECK(missing.kind == fault_class::tls);
  CHECK(contains(missing.cause, "cannot read the CA file /nonexistent/ca.pem: there is no such file"));
  const auto folder = must_fail(loop, request_to(server.port(), true, "/tmp"));
  CHECK(contains(folder.cause, "cannot read the CA file /tmp: it is a directory"));
  const auto junk = must_fail(loop, request_to(server.port(), true, trusted.write("junk.pem", "junk")));
  CHECK(contains(junk.cause, "holds no PEM certificate"));
}

// wss:// on a port where TLS is not spoken, and ws:// where it is.
TEST_CASE("TLS on one side only is recognised") {
  const trust trusted;
  asio::io_context loop{1};
  test_server plain(loop, answer_with("HTTP/1.1 400 Bad Request\r\n\r\n", true));
  // What a plain server makes of a TLS greeting: an HTTP answer as soon as it has read a line.
  test_server blunt(loop, [](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    co_await connection->wait_readable();
    const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    co_await asio::async_write(connection->socket(), asio::buffer(answer), asio::use_awaitable);
    co_await connection->finish(std::chrono::seconds(2));
  });
  const auto failed = must_fail(loop, request_to(blunt.port(), true));
  CHECK(failed.kind == fault_class::tls);
  CHECK(contains(failed.cause, "does not speak TLS on this port"));

  test_server secure(loop, echo_server(trusted.server()));
  const auto other = must_fail(loop, request_to(secure.port(), false));
  CHECK(other.kind == fault_class::http);
  CHECK(contains(other.cause, "WebSocket handshake"));
}

// Statuses other than 101 are shown with the first bytes of the body, however the body's end is marked.
TEST_CASE("an HTTP answer other than 101 is shown") {
  asio::io_context loop{1};
  SECTION("503 with a length and a wish") {
    test_server server(loop, answer_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\n"
                                         "Content-Length: 12\r\n\r\nback at nine",
                                         false));
    const auto failed = must_fail(loop, request_to(server.port(), false));
    CHECK(failed.kind == fault_class::http);
    CHECK(failed.http_status == 503);
    CHECK(failed.retry_after == milliseconds(120'000));
    CHECK(failed.cause == "the server answered HTTP 503 Service Unavailable: back at nine");
  }
  SECTION("a wish as a date, which is a day at most") {
    test_server server(loop, answer_with("HTTP/1.1 503 Service Unavailable\r\n"
                                         "Retry-After: Fri, 31 Dec 2077 23:59:59 GMT\r\n\r\n",
                                         true));
    CHECK(must_fail(loop, request_to(server.port(), false)).retry_after == std::chrono::hours(24));
  }
  SECTION("chunked") {
    test_server server(loop, answer_with("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
                                         false));
    const auto failed = must_fail(loop, request_to(server.port(), false));
    CHECK(failed.cause == "the server answered HTTP 500 Oops: hello!");
  }
  SECTION("a long body until the end of the connection, with bytes that are not text") {
    test_server server(
        loop, answer_with("HTTP/1.1 404 Not Found\r\n\r\n\x01\xff" + std::string(100'000, 'x'), true));
    const auto failed = must_fail(loop, request_to(server.port(), false));
    CHECK(failed.http_status == 404);
    CHECK(contains(failed.cause, "HTTP 404 Not Found: ??xxx"));
    CHECK(failed.cause.size() < 300);
  }
  SECTION("a body that never ends") {
    test_server server(loop,
                       answer_with("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\npartly", false));
    auto request = request_to(server.port(), false);
    request.timeouts.handshake = milliseconds(100);
    const auto failed = must_fail(loop, std::move(request));
    CHECK(failed.http_status == 502);
    CHECK(contains(failed.cause, "HTTP 502 Bad Gateway: partly"));
  }
  SECTION("401 and 403 reject the login") {
    const std::string status = GENERATE("401 Unauthorized", "403 Forbidden");
    test_server server(loop, answer_with("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n", false));
    CHECK(must_fail(loop, request_to(server.port(), false)).kind == fault_class::login_rejected);
  }
}

// A 101 that breaks RFC 6455, 4.1, or is not HTTP at all.
TEST_CASE("a wrong upgrade is refused") {
  asio::io_context loop{1};
  const std::string start =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string answer = GENERATE_COPY(
      start + "Sec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXI=\r\n\r\n", start + "\r\n",
      std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"), std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  test_server server(loop, answer_with(answer, false));
  const auto failed = must_fail(loop, request_to(server.port(), false));
  CHECK(failed.kind == fault_class::http);
  CHECK(contains(failed.cause, "WebSocket handshake: "));
}

// A server that accepts and then says nothing holds a dial no longer than the phase's limit, and the fault
// names the phase.
TEST_CASE("silence ends with the phase's limit") {
  asio::io_context loop{1};
  test_server server(loop, silence());
  auto request = request_to(server.port(), false);
  SECTION("in TLS") {
    request.address.secure = true;
    request.timeouts.tls = milliseconds(50);
    const auto failed = must_fail(loop, std::move(request));
    CHECK(failed.kind == fault_class::tls);
    CHECK(failed.cause == "TLS: the server did not answer the handshake within 50ms");
  }
  SECTION("in the upgrade") {
    request.timeouts.handshake = milliseconds(50);
    const auto failed = must_fail(loop, std::move(request));
    CHECK(failed.kind == fault_class::http);
    CHECK(failed.cause == "WebSocket handshake: the server did not answer within 50ms");
  }
}

TEST_CASE("an address that does not answer ends with the limit of connecting") {
  asio::io_context loop{1};
  const deaf_port deaf(loop);
  auto request = request_to(deaf.port(), false, {}, "127.0.0.1");
  request.timeouts.connect = milliseconds(100);
  const auto failed = must_fail(loop, std::move(request));
  CHECK(failed.kind == fault_class::connect);
  CHECK(failed.cause == "no answer from 127.0.0.1:" + std::to_string(deaf.port()) + " within 100ms");
}

TEST_CASE("a server that ends the connection during a handshake is named") {
  asio::io_context loop{1};
  test_server server(loop, [](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    co_await connection->wait_readable();
    connection->fill();
    co_await connection->finish(std::chrono::seconds(2));
  });
  const auto in_tls = must_fail(loop, request_to(server.port(), true));
  CHECK(in_tls.kind == fault_class::tls);
  CHECK(in_tls.cause == "TLS: the peer ended the connection during the handshake");
  const auto in_upgrade = must_fail(loop, request_to(server.port(), false));
  CHECK(in_upgrade.kind == fault_class::http);
  CHECK(in_upgrade.cause ==
        "WebSocket handshake: the peer ended the connection before it answered (is it a wss:// address?)");
}

// Values come from files and the environment: a line break in one must not become a header.
TEST_CASE("headers that would break the request are refused") {
  asio::io_context loop{1};
  auto request = request_to(1, false);
  const auto [name, value] = GENERATE(table<std::string, std::string>({{"X-Token", "a\r\nX-Evil: 1"},
                                                                       {"Bad Name", "a"},
                                                                       {"", "a"},
                                                                       {"Connection", "close"},
                                                                       {"sec-websocket-KEY", "a"}}));
  request.headers.emplace_back(name, value);
  const auto failed = must_fail(loop, std::move(request));
  CHECK(failed.kind == fault_class::http);
  CHECK_FALSE(contains(failed.cause, "X-Evil"));
}

namespace {

/// Where a dial has got to.
struct last_phase final : dial_observer {
  void phase_begun(dial_phase phase) override { last = phase; }
  void phase_done(dial_phase, std::chrono::nanoseconds, const dial_details&) override {}
  std::optional<dial_phase> last;
};

asio::awaitable<void> dial_and_drop(dialer& dial, dial_request request) {
  co_await asio::this_coro::throw_if_cancelled(false);  // as in the daemon's tasks
  const auto result = co_await dial.dial(std::move(request));
  CHECK_FALSE(std::holds_alternative<std::unique_ptr<transport>>(result));
}

}  // namespace

// A dial can be cancelled in every phase: it comes back with a fault and leaves nothing open.
TEST_CASE("a cancelled dial ends at once") {
  asio::io_context loop{1};
  test_server server(loop, silence());
  const bool secure = GENERATE(false, true);
  auto request = request_to(server.port(), secure);
  const deaf_port deaf(loop);
  const bool while_connecting = GENERATE(false, true);
  if (while_connecting) request.address.port = deaf.port();
  last_phase seen;
  request.watch = &seen;
  const auto cut_in = while_connecting ? dial_phase::tcp : secure ? dial_phase::tls : dial_phase::handshake;
  const auto dial = make_dialer(loop);
  asio::cancellation_signal cut;
  std::exception_ptr thrown;
  bool done = false;
  asio::co_spawn(loop, dial_and_drop(*dial, std::move(request)),
                 asio::bind_cancellation_slot(cut.slot(), [&](std::exception_ptr how) {
                   done = true;
                   thrown = std::move(how);
                 }));
  REQUIRE(run_until(loop, [&] { return seen.last == cut_in; }));
  run_ready(loop);  // and waits there
  REQUIRE_FALSE(done);
  asio::post(loop, [&] { cut.emit(asio::cancellation_type::terminal); });
  REQUIRE(run_until(loop, [&] { return done; }));
  CHECK_FALSE(thrown);
}
