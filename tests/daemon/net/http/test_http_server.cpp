// The small HTTP server, asked by sockets of the test.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <string>

#include "daemon/net/http/http_server.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/temporary_directory.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using namespace std::chrono_literals;

const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct http_server_scene {
  explicit http_server_scene(server_limits limits = {}) : limits_(limits) {
    REQUIRE_FALSE(server.listen(address));
    asio::co_spawn(loop, serve(),
                   asio::bind_cancellation_slot(stop.slot(), [this](const std::exception_ptr& bug) {
                     broken = bug;
                     stopped = true;
                   }));
  }
  ~http_server_scene() {
    stop.emit(asio::cancellation_type::terminal);
    CHECK(run_until(loop, [this] { return stopped; }));
    CHECK_FALSE(broken);
  }
  http_server_scene(const http_server_scene&) = delete;
  http_server_scene& operator=(const http_server_scene&) = delete;

  // As the daemon's tasks are run.
  asio::awaitable<void> serve() {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await server.run();
  }

  asio::ip::tcp::socket connect() {
    asio::ip::tcp::socket made(loop);
    made.connect({asio::ip::make_address(address.host), address.port});
    return made;
  }

  /// What comes until the server is done with the connection, or until it ends with `tail`.
  std::string hear(asio::ip::tcp::socket& from, const std::string& tail = "") {
    std::string heard;
    from.non_blocking(true);
    CHECK(run_until(loop, [&] {
      std::array<char, 4096> piece{};
      boost::system::error_code error;
      const auto size = from.read_some(asio::buffer(piece), error);
      heard.append(piece.data(), size);
      const bool ended = error && error != asio::error::would_block;
      return ended || (!tail.empty() && heard.ends_with(tail));
    }));
    return heard;
  }

  std::string ask(const std::string& request) {
    auto client = connect();
    asio::write(client, asio::buffer(request));
    return hear(client);
  }

  asio::awaitable<served_answer> answer(const served_request& request) {
    ++asked;
    served_answer made;
    made.type = "text/plain";
    made.body = request.head.method + " " + request.path + " " + request.query + " " + request.body + " " +
                request.who;
    if (request.path == "/stream")
      made.stream = [](answer_stream& to) -> asio::awaitable<void> {
        to.write("one");
        to.write("");
        to.write("two");
        co_await to.wait_sent();
      };
    co_return made;
  }

  asio::io_context loop{1};
  config::listen_address address{"127.0.0.1", 0};
  server_limits limits_;
  unsigned asked = 0;
  http_server server{
      loop, {"metrics.test.com"}, limits_, [this](const served_request& request) { return answer(request); }};
  asio::cancellation_signal stop;
  bool stopped = false;
  std::exception_ptr broken;
};

}  // namespace

TEST_CASE("one connection serves several requests", "[http_server]") {
  http_server_scene s;
  auto client = s.connect();
  for (int i = 0; i < 2; ++i) {
    asio::write(client, asio::buffer(get));
    const std::string answer = s.hear(client, "127.0.0.1");
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\nDate: "));
    CHECK(
        answer.ends_with("\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n\r\nGET /a b=c  127.0.0.1"));
  }
  // Two at once, the second of which says goodbye.
  asio::write(client, asio::buffer(get + "POST /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 2\r\n"
                                         "Connection: close\r\n\r\nhi"));
  const std::string last = s.hear(client);
  CHECK(last.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(last.ends_with("\r\n\r\nPOST /x  hi 127.0.0.1"));
  CHECK(s.asked == 4);
}

TEST_CASE("a stream is chunked, for old clients it ends with the connection", "[http_server]") {
  http_server_scene s;
  const std::string now = s.ask("GET /stream HTTP/1.1\r\nHost: [::1]\r\n\r\n");
  CHECK(now.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(now.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  const std::string old = s.ask("GET /stream HTTP/1.0\r\n\r\n");
  CHECK(old.find("chunked") == std::string::npos);
  CHECK(old.ends_with("\r\n\r\nonetwo"));
}

TEST_CASE("a web page is refused, under whatever name it comes", "[http_server]") {
  const std::vector<std::string> names{"metrics.test.com"};
  struct row {
    const char* fields;
    unsigned status;  ///< 0: served
  };
  const row all[] = {
      {"Host: localhost\r\n", 0},
      {"Host: LOCALHOST:9100\r\n", 0},
      {"Host: 10.1.2.3:9100\r\n", 0},
      {"Host: [fe80::1]:9100\r\n", 0},
      {"Host: Metrics.Test.com\r\n", 0},
      {"Host: evil.test.com\r\n", 421},
      {"Host: metrics.test.com.evil.com\r\n", 421},
      {"Host: \r\n", 421},
      {"Host: [\r\n", 421},
      {"", 400},
      {"Host: localhost\r\nHost: localhost\r\n", 400},
      {"Host: localhost\r\nOrigin: http://localhost\r\n", 403},
      {"Host: localhost\r\nOrigin: null\r\n", 403},
      {"Host: localhost\r\nSec-Fetch-Site: none\r\n", 0},
      {"Host: localhost\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n", 0},
      {"Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 0},
      {"Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403},
      {"Host: localhost\r\nSec-Fetch-Site: same-site\r\n", 403},
  };
  for (const row& each : all) {
    INFO(each.fields);
    request_reader reader{request_limits{}};
    reader.feed(std::string("GET / HTTP/1.1\r\n") + each.fields + "\r\n");
    REQUIRE(reader.done());
    const auto refused = refusal_of(reader.head(), names);
    CHECK((refused ? refused->status : 0) == each.status);
  }
  http_server_scene s;
  CHECK(s.ask("GET / HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 421 "));
  CHECK(s.asked == 0);
}

// A page that came from here names the very host and port that it asks; other schemes are those of a proxy.
TEST_CASE("a server with pages of its own lets these in, and no others", "[http_server]") {
  struct row {
    const char* fields;
    unsigned status;  ///< 0: served
  };
  const row all[] = {
      {"Host: localhost:9101\r\nOrigin: http://localhost:9101\r\n", 0},
      {"Host: localhost:9101\r\nOrigin: https://localhost:9101\r\n", 0},
      {"Host: [::1]:9101\r\nOrigin: http://[::1]:9101\r\nSec-Fetch-Site: same-origin\r\n", 0},
      {"Host: localhost:9101\r\nOrigin: http://localhost:9102\r\n", 403},
      {"Host: localhost:9101\r\nOrigin: http://localhost\r\n", 403},
      {"Host: localhost:9101\r\nOrigin: ftp://localhost:9101\r\n", 403},
      {"Host: localhost:9101\r\nOrigin: null\r\n", 403},
      {"Host: evil.test.com\r\nOrigin: http://evil.test.com\r\n", 421},
      {"Origin: http://localhost\r\n", 403},
  };
  for (const row& each : all) {
    INFO(each.fields);
    request_reader reader{request_limits{}};
    reader.feed(std::string("POST / HTTP/1.1\r\nContent-Length: 0\r\n") + each.fields + "\r\n");
    REQUIRE(reader.done());
    const auto refused = refusal_of(reader.head(), {}, true);
    CHECK((refused ? refused->status : 0) == each.status);
  }
  constexpr std::string_view own =
      "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n";
  http_server_scene with_pages{{.own_pages = true}};
  CHECK(with_pages.ask(std::string(own)).starts_with("HTTP/1.1 200 "));
  http_server_scene without;
  CHECK(without.ask(std::string(own)).starts_with("HTTP/1.1 403 "));
}

TEST_CASE("a request over a limit is answered, and the connection closed", "[http_server]") {
  http_server_scene s{{.size = {.head = 100, .body = 4}}};
  CHECK(s.ask("GET /" + std::string(200, 'a')).starts_with("HTTP/1.1 431 "));
  const std::string large = s.ask("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  CHECK(large.starts_with("HTTP/1.1 413 "));
  CHECK(large.ends_with("{\"error\":\"the body is larger than the limit of 4 bytes\"}\n"));
  CHECK(s.ask("\x16\x03\x01").starts_with("HTTP/1.1 400 "));
  CHECK(s.asked == 0);
}

TEST_CASE("who is one too many is turned away, and served when there is room", "[http_server]") {
  http_server_scene s{{.connections = 2}};
  auto first = s.connect();
  auto second = s.connect();
  CHECK(run_until(s.loop, [&] { return s.server.connections() == 2; }));
  CHECK(s.ask("").starts_with("HTTP/1.1 503 "));
  first.close();
  CHECK(run_until(s.loop, [&] { return s.server.connections() == 1; }));
  CHECK(s.ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("idle clients are dropped, and those that never finish a request", "[http_server]") {
  http_server_scene s{{.idle = 50ms, .request = 50ms}};
  auto idle = s.connect();
  CHECK(s.hear(idle).empty());
  auto slow = s.connect();
  asio::write(slow, asio::buffer(get.substr(0, 10)));
  CHECK(s.hear(slow).empty());
  CHECK(run_until(s.loop, [&] { return s.server.connections() == 0; }));
  CHECK(s.asked == 0);
}

TEST_CASE("a client that does not take its answer is dropped", "[http_server]") {
  asio::io_context loop{1};
  config::listen_address address{"127.0.0.1", 0};
  http_server server{loop, {}, {.answer = 50ms}, [](const served_request&) -> asio::awaitable<served_answer> {
                       served_answer large;
                       large.body.assign(64U << 20, 'x');
                       co_return large;
                     }};
  REQUIRE_FALSE(server.listen(address));
  asio::cancellation_signal stop;
  bool stopped = false;
  asio::co_spawn(
      loop, server.run(),
      asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&) { stopped = true; }));
  asio::ip::tcp::socket client(loop);
  client.connect({asio::ip::make_address(address.host), address.port});
  asio::write(client, asio::buffer(get));
  CHECK(run_until(loop, [&] { return server.connections() == 1; }));
  CHECK(run_until(loop, [&] { return server.connections() == 0; }));
  stop.emit(asio::cancellation_type::terminal);
  CHECK(run_until(loop, [&] { return stopped; }));
}

TEST_CASE("a Unix-domain socket has its mode and tells who asks", "[http_server]") {
  const temporary_directory place;
  const std::string path = place.path() / "control.sock";
  http_server_scene s;
  REQUIRE_FALSE(s.server.listen(path, 0660));
  struct stat found{};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0660U);
  // A second server does not take it away.
  http_server other{s.loop, {}, {}, {}};
  CHECK(other.listen(path, 0660)->ends_with("another process listens on it"));
  CHECK(other.listen(place.path().string(), 0660)->ends_with("there is something else than a socket"));
  CHECK(
      other.listen((place.path() / std::string(200, 'a')).string(), 0660)->ends_with("the path is too long"));
}

// Whoever was killed leaves its socket behind.
TEST_CASE("a socket that nobody listens on is replaced", "[http_server]") {
  const temporary_directory place;
  const std::string path = place.path() / "control.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(left);
  asio::io_context loop{1};
  http_server server{loop, {}, {}, {}};
  CHECK_FALSE(server.listen(path, 0600));
}
