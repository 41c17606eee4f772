#include <malloc.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

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
  const auto tls = secure ? trusted.server() : nullptr;
  test_server server(loop, echo_server(tls));
  const auto dial = make_dialer(loop);

  const std::vector<std::string> messages{"",
                                          "a",
                                          std::string(125, 'b'),
                                          std::string(126, 'c'),
                                          std::string(65535, 'd'),
                                          std::string(65536, 'e'),
                                          std::string(3'000'000, 'f')};
  const auto end = run(loop, exchange(*dial, request_to(server.port(), secure, trusted.ca_file()), messages));

  if (end.failed) FAIL(end.failed->cause);
  REQUIRE(end.closed);
  CHECK(end.closed->code == 1000);
}

namespace {

/// Waits until told to go on, and closes then.
asio::awaitable<void> close_when_asked(std::unique_ptr<transport> link, close_reason reason) {
  frame_view message;
  bool asked = false;
  while (!link->ended()) {
    co_await link->wait_readable();
    while (link->next(message)) {
      if (!asked) link->close(reason);
      asked = true;
    }
  }
  co_await link->finish(std::chrono::seconds(2));
}

asio::awaitable<std::unique_ptr<transport>> must_dial(dialer& dial, dial_request request) {
  auto result = co_await dial.dial(std::move(request));
  if (auto* failed = std::get_if<fault>(&result)) throw std::runtime_error(failed->cause);
  co_return std::get<std::unique_ptr<transport>>(std::move(result));
}

/// Opens a link, says something, lets the server end it.
asio::awaitable<link_end> be_closed(dialer& dial, dial_request request) {
  auto link = co_await must_dial(dial, std::move(request));
  link->put(view_of(frame_kind::text, "go"));
  frame_view message;
  while (!link->ended()) {
    co_await link->wait_readable();
    while (link->next(message)) {
    }
  }
  link_end end = *link->ended();
  co_await link->finish(std::chrono::seconds(2));
  co_return end;
}

/// Puts more than the kernel takes, waits until it has left, reads nothing meanwhile.
asio::awaitable<std::size_t> push_much(transport& link, std::size_t size) {
  const std::string big(size, 'x');
  link.put(view_of(frame_kind::binary, big));
  const std::size_t queued = link.unsent();
  co_await link.wait_sent();
  co_return queued;
}

asio::awaitable<void> finish_within(transport& link, std::chrono::milliseconds limit) {
  co_await link.finish(limit);
}

asio::awaitable<void> finish_all(std::unique_ptr<transport> link) {
  co_await link->finish(std::chrono::seconds(2));
}

asio::awaitable<bool> cancelled_wait(transport& link) {
  co_await link.wait_readable();
  co_return true;
}

/// So many messages, fewer if the link ends before.
asio::awaitable<std::vector<std::string>> echoes(transport& link, std::size_t count) {
  std::vector<std::string> heard;
  frame_view message;
  while (!link.ended() && heard.size() < count) {
    co_await link.wait_readable();
    while (link.next(message)) heard.push_back(text_of(message));
  }
  co_return heard;
}

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

// The server may close at any time: its code and reason reach the session.
TEST_CASE("the server's close frame arrives over TLS") {
  asio::io_context loop{1};
  trust trusted;
  const auto tls = trusted.server();
  test_server server(loop, [tls](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    auto link = co_await open_link(connection, tls);
    close_reason reason{.code = 4002, .text = "shift is over"};
    if (link) co_await close_when_asked(std::move(link), std::move(reason));
  });
  const auto dial = make_dialer(loop);
  const auto end = run(loop, be_closed(*dial, request_to(server.port(), true, trusted.ca_file())));
  REQUIRE(end.closed);
  CHECK(end.closed->code == 4002);
  CHECK(end.closed->text == "shift is over");
}

// More than the kernel's buffers hold leaves piece by piece while the reader of the other side goes on.
TEST_CASE("a message larger than the kernel's buffers leaves in the end") {
  asio::io_context loop{1};
  trust trusted;
  const bool secure = GENERATE(false, true);
  test_server server(loop, echo_server(secure ? trusted.server() : nullptr));
  const auto dial = make_dialer(loop);
  auto link = run(loop, must_dial(*dial, request_to(server.port(), secure, trusted.ca_file())));
  CHECK(run(loop, push_much(*link, 12'000'000)) >= 12'000'000);
  CHECK(link->unsent() == 0);
  run(loop, finish_all(std::move(link)));
}

// Sessions cancel their readers when a script has ended; the link must live on.
TEST_CASE("a cancelled wait does not harm the link") {
  asio::io_context loop{1};
  trust trusted;
  const bool secure = GENERATE(false, true);
  test_server server(loop, echo_server(secure ? trusted.server() : nullptr));
  const auto dial = make_dialer(loop);
  auto link = run(loop, must_dial(*dial, request_to(server.port(), secure, trusted.ca_file())));
  frame_view message;
  for (int i = 0; i < 20; ++i) {
    while (link->next(message)) {
    }
    asio::cancellation_signal cut;
    bool done = false;
    asio::co_spawn(loop, cancelled_wait(*link),
                   asio::bind_cancellation_slot(cut.slot(), [&](std::exception_ptr, bool) { done = true; }));
    loop.restart();
    loop.poll();
    cut.emit(asio::cancellation_type::terminal);
    loop.restart();
    while (!done) loop.run_one();
  }
  link->put(view_of(frame_kind::text, "still here"));
  bool heard = false;
  while (!heard) {
    run(loop, link->wait_readable());
    while (link->next(message)) heard = text_of(message) == "still here";
  }
  CHECK_FALSE(link->ended());
  run(loop, finish_all(std::move(link)));
}

// RFC 6455, 7.1.1. The one that ends TCP first keeps its port in use for minutes.
TEST_CASE("after the closing handshake the server ends TCP first, or when its time is over, the client") {
  raw_peer peer;
  const bool ends = GENERATE(true, false);
  peer.send(frame(0x88, "\x03\xe8"));
  raw_peer::heard nothing;
  while (!peer.link().ended()) peer.read_into(nothing);
  const auto begin = std::chrono::steady_clock::now();
  bool done = false;
  asio::co_spawn(peer.loop(), finish_within(peer.link(), std::chrono::seconds(5)),
                 [&](std::exception_ptr) { done = true; });
  for (int i = 0; i < 20; ++i) peer.turn();
  CHECK(peer.sent_by_link().size() == 8);  // the close frame
  CHECK_FALSE(peer.link_ended_tcp());
  CHECK_FALSE(done);
  if (ends) peer.shut_down();
  while (!done && !peer.link_ended_tcp()) peer.loop().run_one();
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK((took < std::chrono::seconds(1)) == ends);
  if (!ends) peer.shut_down();
  while (!done) peer.loop().run_one();
}

// A server that keeps its side of TCP open must not hold us: finish() has a limit.
TEST_CASE("finish does not wait longer than its limit") {
  asio::io_context loop{1};
  std::shared_ptr<tcp_connection> kept;
  test_server server(loop, [&kept](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    kept = connection;
    auto link = co_await open_link(connection, nullptr);
    loop_timer never(connection->get_executor(), loop_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
  });
  const auto dial = make_dialer(loop);
  auto link = run(loop, must_dial(*dial, request_to(server.port(), false)));
  const auto begin = std::chrono::steady_clock::now();
  run(loop, finish_within(*link, std::chrono::milliseconds(50)));
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(50));
  REQUIRE(link->ended());
}

// What need not wait for the turn's end takes with it what was put before, and order is kept.
TEST_CASE("a message can leave at once") {
  asio::io_context loop{1};
  trust trusted;
  const bool secure = GENERATE(false, true);
  test_server server(loop, echo_server(secure ? trusted.server() : nullptr));
  const auto dial = make_dialer(loop);
  auto link = run(loop, must_dial(*dial, request_to(server.port(), secure, trusted.ca_file())));
  link->put(view_of(frame_kind::binary, "first"));
  CHECK(link->unsent() > 0);
  link->put_and_flush(view_of(frame_kind::text, "second"));
  CHECK(link->unsent() == 0);
  link->put(view_of(frame_kind::binary, "third"));
  CHECK(link->unsent() > 0);
  CHECK(run(loop, echoes(*link, 3)) == std::vector<std::string>{"first", "second", "third"});
  link->close({.code = 1000, .text = ""});
  link->put_and_flush(view_of(frame_kind::binary, "too late"));
  CHECK(run(loop, echoes(*link, 1)).empty());
  REQUIRE(link->ended());
  CHECK(link->ended()->closed);
}

// The client may choose among subprotocols; the server's choice must be one of them.
TEST_CASE("subprotocols are agreed on") {
  asio::io_context loop{1};
  const std::string chosen = GENERATE("v2.feed", "v9.unknown");
  test_server server(loop, [chosen](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    auto link = co_await open_link(connection, nullptr, chosen);
    if (link) co_await echo(std::move(link));
  });
  const auto dial = make_dialer(loop);
  auto request = request_to(server.port(), false);
  request.subprotocols = {"v1.feed", "v2.feed"};
  auto result = run(loop, dial->dial(std::move(request)));
  if (chosen == "v2.feed") {
    REQUIRE(std::holds_alternative<std::unique_ptr<transport>>(result));
    CHECK(std::get<std::unique_ptr<transport>>(result)->subprotocol() == chosen);
  } else {
    REQUIRE(std::holds_alternative<fault>(result));
    CHECK(std::get<fault>(result).cause.find("v9.unknown") != std::string::npos);
  }
}

// Hundreds of links, opened and closed in order, cut, or refused, leave no descriptor behind.
TEST_CASE("hundreds of links leave no descriptors and no memory") {
  asio::io_context loop{1};
  trust trusted;
  const auto tls = trusted.server();
  test_server server(loop, echo_server(tls));
  const auto dial = make_dialer(loop);
  const auto round = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto end =
          run(loop, exchange(*dial, request_to(server.port(), true, trusted.ca_file()), {"a", "b"}));
      REQUIRE(end.closed);
      auto dropped = run(loop, must_dial(*dial, request_to(server.port(), true, trusted.ca_file())));
      dropped.reset();
      REQUIRE(std::holds_alternative<fault>(run(loop, dial->dial(request_to(server.port(), true)))));
    }
  };
  // The server's sides notice in their own time.
  const auto settle = [&](const auto& done) { return run_until(loop, done); };
  const int at_first = open_descriptors();
  round(300);  // fills malloc's per-thread cache, which mallinfo2 counts as used: some 150 KB
  settle([&] { return open_descriptors() <= at_first; });
  const int descriptors = open_descriptors();
  const auto memory = mallinfo2().uordblks;
  round(200);
  CHECK(settle([&] { return open_descriptors() <= descriptors + 1; }));
  // However many rounds there are, one link's 48 KB are there at the end, and malloc's cache differs by some
  // 20 KB.
  CHECK(settle([&] { return mallinfo2().uordblks < memory + 128 * 1024; }));
}
