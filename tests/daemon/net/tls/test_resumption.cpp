#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tls/pins.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

/// A server that notes of each handshake whether it was resumed, says one thing, and then ends the link: in
/// order, or by dropping the connection.
struct noting_server {
  tls_context tls;
  bool drops = false;
  std::vector<bool> resumed{};

  [[nodiscard]] test_server::serve_function serve() {
    return [this](std::shared_ptr<tcp_connection> connection) {
      return serve_one(*this, std::move(connection));
    };
  }

  static asio::awaitable<void> serve_one(noting_server& self, std::shared_ptr<tcp_connection> connection) {
    auto engine = std::make_unique<tls_engine>(self.tls);
    const tls_engine& watched = *engine;
    const bool done = co_await connection->start_tls(std::move(engine));
    if (!done) co_return;
    self.resumed.push_back(watched.details().resumed);
    handshake_decision decide = [](const handshake_offer&) { return handshake_answer{}; };
    auto opened = co_await handshake_as_server(connection, std::move(decide), std::chrono::seconds(5));
    auto* link = std::get_if<std::unique_ptr<transport>>(&opened);
    if (link == nullptr) co_return;
    (*link)->close({});
    co_await (*link)->wait_sent();
    co_await (*link)->finish(std::chrono::milliseconds(self.drops ? 0 : 1000));
  }
};

/// Dials, reads until the server ends it; why it could not be dialed, or nothing.
asio::awaitable<std::string> visit(dialer& dial, dial_request request) {
  auto result = co_await dial.dial(std::move(request));
  if (auto* failed = std::get_if<fault>(&result)) co_return failed->cause;
  const auto link = std::get<std::unique_ptr<transport>>(std::move(result));
  protocol::frame_view none;
  while (!link->ended()) {
    co_await link->wait_readable();
    while (link->next(none)) {
    }
  }
  co_await link->finish(std::chrono::seconds(1));
  co_return std::string();
}

/// Dials again while the first link is open; whether both came about.
asio::awaitable<bool> dial_twice(dialer& dial, dial_request request) {
  dial_request same = request;
  auto one = co_await dial.dial(std::move(request));
  auto two = co_await dial.dial(std::move(same));
  auto* first = std::get_if<std::unique_ptr<transport>>(&one);
  auto* second = std::get_if<std::unique_ptr<transport>>(&two);
  if (first == nullptr || second == nullptr) co_return false;
  co_await (*first)->finish(std::chrono::milliseconds(10));
  co_await (*second)->finish(std::chrono::milliseconds(10));
  co_return true;
}

/// Makes a file the system's store of certificates, while it lives.
class system_store_file {
 public:
  explicit system_store_file(const std::string& path) {
    if (const char* before = std::getenv(variable)) before_ = before;
    setenv(variable, path.c_str(), 1);
  }
  ~system_store_file() {
    if (before_)
      setenv(variable, before_->c_str(), 1);
    else
      unsetenv(variable);
  }
  system_store_file(const system_store_file&) = delete;
  system_store_file& operator=(const system_store_file&) = delete;

 private:
  static constexpr const char* variable = "SSL_CERT_FILE";
  std::optional<std::string> before_;
};

struct place {
  asio::io_context loop{1};
  trust trusted;
  noting_server noting{.tls = trusted.server()};
  test_server server{loop, noting.serve()};
  std::unique_ptr<dialer> dial = make_dialer(loop);

  std::string visit_with(const std::string& ca_file, bool verify = true,
                         const std::string& host = "localhost") {
    auto request = request_to(server.port(), true, ca_file, host);
    request.tls.verify = verify;
    return run(loop, visit(*dial, std::move(request)));
  }
};

}  // namespace

// Half of a handshake's cost is saved at each reconnect. A ticket is used once; every link brings a new one.
TEST_CASE("a reconnect resumes the TLS session") {
  place here;
  here.noting.drops = GENERATE(false, true);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(here.noting.tls.get(), version);
  for (int i = 0; i < 4; ++i) CHECK(here.visit_with(here.trusted.ca_file()).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, true, true, true});
}

// Thousands of sessions that begin together must not all pay for a full handshake, and hold its certificates.
TEST_CASE("a second link resumes the session of the first, which is still open") {
  place here;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(here.noting.tls.get(), version);
  auto request = request_to(here.server.port(), true, here.trusted.ca_file());
  CHECK(run(here.loop, dial_twice(*here.dial, std::move(request))));
  CHECK(here.noting.resumed == std::vector<bool>{false, true});
}

// TLS 1.2 brings the ticket with the handshake, before the key is looked at. Resumed, it would not be looked
// at.
TEST_CASE("a peer with another key than the pinned one leaves no ticket") {
  place here;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(here.noting.tls.get(), version);
  for (int i = 0; i < 2; ++i) {
    auto request = request_to(here.server.port(), true, here.trusted.ca_file());
    request.tls.pins = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    CHECK_FALSE(run(here.loop, visit(*here.dial, std::move(request))).empty());
  }
  const auto& resumed = here.noting.resumed;  // the second may be gone before its server has noted it
  CHECK(std::find(resumed.begin(), resumed.end(), true) == resumed.end());
}

// A resumed session does not show the chain again: the keys were compared when it was new.
TEST_CASE("a session of a pinned key is resumed without another look at the key") {
  place here;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(here.noting.tls.get(), version);
  auto request = request_to(here.server.port(), true, here.trusted.ca_file());
  request.tls.pins = {pin_of(SSL_CTX_get0_certificate(here.noting.tls.get()))};
  for (int i = 0; i < 3; ++i) CHECK(run(here.loop, visit(*here.dial, request)).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, true, true});
}

// A server that gives no tickets, or has forgotten its keys, gets full handshakes. Ours keeps no sessions
// itself, as TLS 1.2 would let it.
TEST_CASE("a ticket that the server does not take costs a full handshake and nothing else") {
  place here;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  here.noting.tls = here.trusted.server();  // other keys for tickets, another certificate
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  SSL_CTX_set_max_proto_version(here.noting.tls.get(), version);
  SSL_CTX_set_options(here.noting.tls.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(here.noting.tls.get(), 0);
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  CHECK(here.noting.resumed[1] == false);
  CHECK(here.noting.resumed.back() == false);
}

// What was got without looking at the certificate must not let anybody past the look at it.
TEST_CASE("a session that was not verified is never resumed as one that was") {
  place here;
  trust stranger;
  CHECK(here.visit_with(stranger.ca_file(), false).empty());
  CHECK(here.visit_with(stranger.ca_file(), false).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, true});
  CHECK_FALSE(here.visit_with(stranger.ca_file(), true).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, true});
}

// A failed verification leaves nothing behind that a later dial could resume.
TEST_CASE("a failed verification is not remembered") {
  place here;
  trust stranger;
  CHECK_FALSE(here.visit_with(stranger.ca_file()).empty());
  CHECK_FALSE(here.visit_with(stranger.ca_file()).empty());
  CHECK_FALSE(here.visit_with(here.trusted.ca_file(), true, "127.0.0.1").empty());  // not in the certificate
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false});
}

// A ticket belongs to the trust and to the name with which it was got.
TEST_CASE("a changed CA file is a new beginning") {
  place here;
  trust stranger;
  const auto file = here.trusted.write("changing.pem", here.trusted.authority().certificate());
  CHECK(here.visit_with(file).empty());
  CHECK(here.visit_with(file).empty());
  CHECK(here.trusted.write("changing.pem", stranger.authority().certificate()) == file);
  CHECK_FALSE(here.visit_with(file).empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, true});
}

// The same server under another name is verified again.
TEST_CASE("tickets are not shared between names") {
  place here;
  here.noting.tls = here.trusted.server(here.trusted.authority().issue({"localhost", "127.0.0.1"}));
  CHECK(here.visit_with(here.trusted.ca_file()).empty());
  CHECK(here.visit_with(here.trusted.ca_file(), true, "127.0.0.1").empty());
  CHECK(here.visit_with(here.trusted.ca_file(), true, "127.0.0.1").empty());
  CHECK(here.noting.resumed == std::vector<bool>{false, false, true});
}

// One context for all who trust the same; a renewed file makes another.
TEST_CASE("contexts outlive the links that use them") {
  trust trusted;
  client_tls known;
  const auto get = [&](const std::string& ca_file, bool verify) {
    server_request request;
    request.ca_file = ca_file;
    request.tls.verify = verify;
    return known.get(request).context.get();
  };
  const auto* first = get(trusted.ca_file(), true);
  CHECK(get(trusted.ca_file(), true) == first);
  CHECK(get(trusted.ca_file(), false) != first);
  const auto* system = get({}, true);
  CHECK(get({}, true) == system);
  const auto copy = trusted.write("ca.pem", trusted.authority().certificate() + "\n");
  CHECK(get(copy, true) != first);
}

// Of the system's store the state is looked at, not the content: a file that is replaced makes a new context,
// even by one of the same size.
TEST_CASE("a changed store of the system makes another context") {
  trust trusted;
  client_tls known;
  const system_store_file store(trusted.ca_file());
  const auto* first = known.get({}).context.get();
  REQUIRE(first != nullptr);
  CHECK(known.get({}).context.get() == first);
  const auto modified = std::filesystem::last_write_time(trusted.ca_file());
  std::filesystem::last_write_time(trusted.ca_file(), modified + std::chrono::seconds(1));
  const auto* second = known.get({}).context.get();
  CHECK(second != first);
  CHECK(known.get({}).context.get() == second);
}
