#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

/// Writes down what a dial reports.
class notebook final : public dial_observer {
 public:
  void phase_begun(dial_phase phase) override { begun.push_back(phase); }
  void phase_done(dial_phase phase, std::chrono::nanoseconds took, const dial_details& details) override {
    CHECK(took.count() > 0);
    CHECK(begun.back() == phase);
    done.emplace_back(phase, details);
  }

  template <class T>
  const T& of(dial_phase phase) {
    for (const auto& [each, details] : done)
      if (each == phase) return std::get<T>(details);
    throw std::runtime_error("not reported: " + std::string(name_of(phase)));
  }

  std::vector<dial_phase> begun;
  std::vector<std::pair<dial_phase, dial_details>> done;
};

}  // namespace

TEST_CASE("a dial reports each phase", "[report]") {
  asio::io_context loop{1};
  const trust trusted;
  test_server server(loop,
                     echo_server(trusted.server(trusted.authority().issue({"localhost", "127.0.0.1"}))));
  const auto dial = make_dialer(loop);
  notebook notes;
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.watch = &notes;
  const auto result = run(loop, dial->dial(request));
  REQUIRE(std::holds_alternative<std::unique_ptr<transport>>(result));
  const std::string port = std::to_string(server.port());

  const auto& resolved = notes.of<resolve_details>(dial_phase::resolve);
  CHECK(resolved.host == "localhost");
  CHECK_FALSE(resolved.addresses.empty());
  CHECK(notes.of<tcp_details>(dial_phase::tcp).remote == "127.0.0.1:" + port);
  CHECK(notes.of<tcp_details>(dial_phase::tcp).local.starts_with("127.0.0.1:"));
  const auto& tls = notes.of<tls_details>(dial_phase::tls);
  CHECK(tls.version == "TLSv1.3");
  CHECK(tls.cipher.starts_with("TLS_"));
  CHECK(tls.subject == "CN=localhost");
  CHECK(tls.issuer == "CN=test authority");
  CHECK(tls.names == std::vector<std::string>{"localhost", "127.0.0.1"});
  const auto days = std::chrono::ceil<std::chrono::days>(tls.not_after - std::chrono::system_clock::now());
  CHECK(days.count() == 30);
  CHECK(tls.verified);
  const auto& handshake = notes.of<handshake_details>(dial_phase::handshake);
  CHECK(handshake.status == 101);
  CHECK(handshake.url == "wss://localhost:" + port + "/");
  CHECK(notes.done.size() == 4);
}

// The phase that failed was begun and not done.
TEST_CASE("a dial that fails reports how far it came", "[report]") {
  asio::io_context loop{1};
  const trust trusted;
  test_server server(loop, echo_server(trusted.server()));
  const auto dial = make_dialer(loop);
  notebook notes;
  auto request = request_to(server.port(), true);
  request.watch = &notes;
  REQUIRE(std::holds_alternative<fault>(run(loop, dial->dial(std::move(request)))));
  CHECK(notes.begun == std::vector{dial_phase::resolve, dial_phase::tcp, dial_phase::tls});
  CHECK(notes.done.size() == 2);
}
