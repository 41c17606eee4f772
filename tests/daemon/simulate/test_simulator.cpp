#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/load/load.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/simulate/simulator.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/net/test_server.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using protocol::frame_kind;

constexpr std::string_view configuration = R"(
version: 1
sessions:
  agent:
    url: wss://localhost:2443/agent?shard=1
    tls: {ca_file: ca.pem}
    subprotocols: [desk.v1]
    protocol:
      byte_order: little
      commands:
        set_service: 'opcode:i=2 services:json'
        to_free: 'opcode:i=0 state:b=0'
      replies:
        - {as: reply, layout: 'code:i rest:bytes'}
    login:
      json: {role: admin, user_id: "${env:DUPLEXD_TEST_NOT_SET}", tags: [a, b]}
    outputs: [stdout]
    simulate:
      answers:
        - {to: set_service, send: reply, with: {code: 7}}
)";

/// A running simulator and what it said.
struct simulation {
  asio::io_context loop{1};
  temporary_directory directory;
  config::settings settings = load();
  std::vector<std::string> log;
  std::string ready;
  std::unique_ptr<simulator> simulated;
  std::unique_ptr<dialer> dial = make_dialer(loop);

  simulation() {
    simulator_options options;
    options.port = 0;
    options.state_directory = directory.path() / "state";
    options.log = [this](std::string_view line) { log.emplace_back(line); };
    options.ready = [this](std::string_view line) { ready = line; };
    simulated = std::make_unique<simulator>(loop, settings, std::move(options));
    const auto error = simulated->start();
    if (error) FAIL(*error);
  }

  [[nodiscard]] config::settings load() const {
    protocol::diagnostics mistakes;
    const auto file = directory.write("agent.yaml", std::string(configuration));
    auto loaded = config::load(file, {.secrets_absent = true}, mistakes);
    for (const auto& mistake : mistakes) UNSCOPED_INFO(config::format(file, mistake));
    REQUIRE(loaded);
    return std::move(*loaded);
  }

  [[nodiscard]] std::uint16_t port() const {
    const auto colon = ready.find(':', std::string("wss://").size());
    return static_cast<std::uint16_t>(std::stoi(ready.substr(colon + 1)));
  }

  [[nodiscard]] dial_request request(const std::string& target = "/agent?shard=1") const {
    auto made = request_to(port(), true, ready.substr(ready.find("ca=") + 3));
    made.address.target = target;
    made.subprotocols = {"other", "desk.v1"};
    return made;
  }

  std::unique_ptr<transport> connect() {
    auto result = run(loop, dial->dial(request()));
    if (const auto* failed = std::get_if<fault>(&result)) FAIL(failed->cause);
    return std::get<std::unique_ptr<transport>>(std::move(result));
  }

  void say(transport& link, frame_kind kind, const std::string& text) {
    link.put({.kind = kind, .bytes = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}});
  }

  /// The next message, or nothing if the link ended first.
  std::optional<std::string> hear(transport& link) {
    protocol::frame_view message;
    while (!link.ended()) {
      if (link.next(message)) return std::string(message.bytes.begin(), message.bytes.end());
      if (!link.ended()) run(loop, link.wait_readable());
    }
    return std::nullopt;
  }

  [[nodiscard]] bool logged(const std::string& part) const {
    for (const auto& line : log) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
};

const std::string good_login = R"({"tags":["a","b"],"user_id":"anyone","role":"admin"})";

}  // namespace

// The ready line is what scripts wait for: an address, and the CA file that makes it verifiable.
TEST_CASE("the simulator accepts the login and answers by rule and by default") {
  simulation world;
  CHECK(world.ready.rfind("wss://localhost:", 0) == 0);
  const auto link = world.connect();
  world.say(*link, frame_kind::text, good_login);
  world.say(*link, frame_kind::binary, std::string("\x02\0\0\0[\"first\"]", 13));
  CHECK(world.hear(*link) == std::string("\x07\0\0\0", 4));
  world.say(*link, frame_kind::binary, std::string("\0\0\0\0\0", 5));
  CHECK(world.hear(*link) == std::string("\0\0\0\0", 4));
  CHECK(world.logged("agent: login ok"));
  CHECK(world.logged("-> reply"));
}

// Whatever is wrong with a login: 1008, and the log says why without the values.
TEST_CASE("the simulator rejects a wrong login") {
  simulation world;
  const std::string login =
      GENERATE(R"({"role":"guest","user_id":"x","tags":["a","b"]})", R"({"role":"admin","tags":["a","b"]})",
               R"({"role":"admin","user_id":"x","tags":["b","a"]})", R"([1])", "no json",
               R"({"role":"hidden-value"})");
  const auto link = world.connect();
  world.say(*link, frame_kind::text, login);
  CHECK_FALSE(world.hear(*link));
  REQUIRE(link->ended()->closed);
  CHECK(link->ended()->closed->code == 1008);
  CHECK(link->ended()->closed->text == "login rejected");
  CHECK(world.logged("login rejected"));
  CHECK_FALSE(world.logged("hidden-value"));
}

// Nobody's login makes a tree that is deeper than limits.json_depth.
TEST_CASE("the simulator refuses a login that is nested too deeply") {
  simulation world;
  const auto link = world.connect();
  world.say(*link, frame_kind::text, std::string(65, '[') + std::string(65, ']'));
  CHECK_FALSE(world.hear(*link));
  REQUIRE(link->ended()->closed);
  CHECK(link->ended()->closed->code == 1008);
  CHECK(world.logged("nested too deeply"));
}

TEST_CASE("the simulator refuses a path of no session") {
  simulation world;
  const auto result = run(world.loop, world.dial->dial(world.request("/nobody")));
  REQUIRE(std::holds_alternative<fault>(result));
  CHECK(std::get<fault>(result).http_status == 404);
}

// Garbage on every layer, and then a client that behaves is served as ever.
TEST_CASE("the simulator survives garbage") {
  simulation world;
  const asio::ip::tcp::endpoint there(asio::ip::make_address("127.0.0.1"), world.port());
  for (const std::string_view junk : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "", "\0\0\0\0"}) {
    tcp_socket socket(world.loop.get_executor());
    socket.connect(there);
    asio::write(socket, asio::buffer(junk));
    world.loop.restart();
    world.loop.poll();
  }
  const auto rude = world.connect();
  world.say(*rude, frame_kind::text, good_login);
  world.say(*rude, frame_kind::binary, "x");
  world.say(*rude, frame_kind::text, "\x01 text that is not a command");
  world.say(*rude, frame_kind::binary, std::string("\x02\0\0\0{broken", 11));

  const auto link = world.connect();
  world.say(*link, frame_kind::text, good_login);
  world.say(*link, frame_kind::binary, std::string("\0\0\0\0\0", 5));
  CHECK(world.hear(*link) == std::string("\0\0\0\0", 4));
}

TEST_CASE("the simulator closes its links with 1001 when it stops") {
  simulation world;
  const auto link = world.connect();
  world.simulated->stop();
  CHECK_FALSE(world.hear(*link));
  REQUIRE(link->ended()->closed);
  CHECK(link->ended()->closed->code == 1001);
  run(world.loop, link->finish(std::chrono::seconds(2)));
  while (!world.simulated->stopped() && world.loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  CHECK(world.simulated->stopped());
}
