// What a connection knows of the bytes that it sends, from the kernel.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "daemon/net/tcp/tcp_connection.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

}  // namespace

TEST_CASE("what the peer's kernel has acknowledged counts as delivered", "[tcp]") {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  const auto connection = std::make_shared<tcp_connection>(std::move(pair.ours));
  CHECK(connection->sending().pending == 0);
  CHECK(connection->sending().delivered == 0);
  std::uint64_t sent = 0;
  for (const std::string_view each : {"hello", ", ", "world"}) {
    connection->cork().append(each.data(), each.size());
    CHECK(connection->sending().pending == each.size());
    CHECK(connection->sending().delivered == sent);
    connection->flush();
    sent += each.size();
    CHECK(run_until(loop, [&] { return connection->sending().pending == 0; }));
    CHECK(connection->sending().delivered == sent);
  }
}

TEST_CASE("the round trip is known of a connected socket only", "[tcp]") {
  asio::io_context loop{1};
  auto pair = connected_sockets(loop);
  const auto connection = std::make_shared<tcp_connection>(std::move(pair.ours));
  const auto known = connection->round_trip();
  REQUIRE(known);
  CHECK(*known > std::chrono::microseconds(0));
  connection->abort();
  CHECK_FALSE(connection->round_trip());
}
