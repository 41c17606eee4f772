#include <cstdint>
#include <string>
#include <vector>

#include "daemon/net/certificates.hpp"
#include "daemon/net/make_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/net/test_server.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using protocol::frame_kind;
using protocol::frame_view;

frame_view view_of(frame_kind kind, const std::string& text) {
  return {.kind = kind, .bytes = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}};
}

std::string text_of(const frame_view& frame) {
  return {reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size()};
}

/// A server's certificate that the client can trust.
struct trust {
  temporary_directory directory;
  throw_away_authority authority{"test authority"};
  std::string ca_file = directory.write("ca.pem", authority.certificate());

  tls_context server(const issued_certificate& issued) {
    const auto certificate = directory.write("server.pem", issued.certificate);
    const auto key = directory.write("server.key", issued.key);
    const auto made = make_server_tls(certificate, key);
    REQUIRE(made.error.empty());
    return made.context;
  }
};

/// Sends all messages, reads as many, closes, and says how that ended.
asio::awaitable<link_end> exchange(dialer& dial, dial_request request, std::vector<std::string> messages) {
  auto result = co_await dial.dial(std::move(request));
  if (auto* failed = std::get_if<fault>(&result)) {
    link_end end;
    end.failed = std::move(*failed);
    co_return end;
  }
  auto link = std::get<std::unique_ptr<transport>>(std::move(result));
  for (const auto& message : messages) link->put(view_of(frame_kind::binary, message));
  const close_reason reason{.code = 1000, .text = "user quit"};
  std::size_t heard = 0;
  frame_view message;
  while (!link->ended()) {
    co_await link->wait_readable();
    while (link->next(message)) {
      CHECK(text_of(message) == messages.at(heard));
      if (++heard == messages.size()) link->close(reason);
    }
  }
  CHECK(heard == messages.size());
  link_end end = *link->ended();
  co_await link->finish(std::chrono::seconds(2));
  co_return end;
}

}  // namespace

// The whole way over verified TLS and without it: what is sent comes back, and the close frame is answered.
TEST_CASE("messages of all sizes go there and back over ws and wss") {
  asio::io_context loop{1};
  trust trusted;
  const bool secure = GENERATE(false, true);
  const auto tls = secure ? trusted.server(trusted.authority.issue({"localhost"})) : nullptr;
  test_server server(loop, echo_server(tls));
  const auto dial = make_dialer(loop);

  const std::vector<std::string> messages{"",
                                          "a",
                                          std::string(125, 'b'),
                                          std::string(126, 'c'),
                                          std::string(65535, 'd'),
                                          std::string(65536, 'e'),
                                          std::string(3'000'000, 'f')};
  const auto end = run(loop, exchange(*dial, request_to(server.port(), secure, trusted.ca_file), messages));

  if (end.failed) FAIL(end.failed->cause);
  REQUIRE(end.closed);
  CHECK(end.closed->code == 1000);
}
