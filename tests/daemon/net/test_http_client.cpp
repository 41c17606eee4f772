#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "tests/catch.hpp"
#include "tests/daemon/net/child_process.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/http_script.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::fault_class;
using std::chrono::milliseconds;

/// The fault that an answer leads to.
fault fault_after(const std::string& answer, std::size_t largest = 1000, bool end = true) {
  asio::io_context loop{1};
  http_script server(loop, [&](const std::string&) { return answer; }, end);
  auto request = request_for(local("http", server.port()));
  request.largest_answer = largest;
  return must_fail(loop, std::move(request));
}

}  // namespace

// A server of another make: what it serves arrives, its 404 is an answer and not a fault.
TEST_CASE("documents of Python's HTTP server are fetched", "[http]") {
  const temporary_directory directory;
  const std::string big(300'000, 'x');
  std::ignore = directory.write("token.json", "{\"token\": 1}");
  std::ignore = directory.write("big", big);
  child_process python({"python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory",
                        directory.path().string()});
  const auto port = number_after(python.line(), "port ");
  asio::io_context loop{1};
  const auto found = must_fetch(loop, request_for(local("http", port, "/token.json")));
  CHECK(found.status == 200);
  CHECK(found.body == "{\"token\": 1}");
  REQUIRE(found.header("content-TYPE") != nullptr);
  CHECK(*found.header("content-TYPE") == "application/json");
  CHECK(found.header("no-such") == nullptr);
  CHECK(must_fetch(loop, request_for(local("http", port, "/big"))).body == big);
  CHECK(must_fetch(loop, request_for(local("http", port, "/none"))).status == 404);
  auto head = request_for(local("http", port, "/big"));
  head.method = "HEAD";
  CHECK(must_fetch(loop, std::move(head)).body.empty());
}

// TLS of another make, and a body there and back.
TEST_CASE("Python's TLS server gets what is posted", "[http]") {
  const trust trusted;
  const auto issued = trusted.authority().issue({"localhost"});
  const std::string script = R"(
import http.server, ssl, sys
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(201)
        self.send_header('Transfer-Encoding', 'chunked')
        self.send_header('X-Host', self.headers['Host'])
        self.end_headers()
        for piece in (self.headers['Authorization'].encode(), body):
            self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
        self.wfile.write(b'0\r\n\r\n')
server = http.server.HTTPServer(('127.0.0.1', 0), Echo)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = tls.wrap_socket(server.socket, server_side=True)
print('port', server.server_port, flush=True)
server.serve_forever()
)";
  child_process python({"python3", "-c", script, trusted.write("python.pem", issued.certificate),
                        trusted.write("python.key", issued.key)});
  const auto port = number_after(python.line(), "port ");
  asio::io_context loop{1};
  auto request = request_for(local("https", port), trusted.ca_file());
  request.method = "POST";
  request.headers.emplace_back("Authorization", "Bearer ");
  request.body = "grant_type=client_credentials";
  const auto answer = must_fetch(loop, std::move(request));
  CHECK(answer.status == 201);
  CHECK(answer.body == "Bearer grant_type=client_credentials");
  CHECK(*answer.header("X-Host") == "localhost:" + std::to_string(port));
  CHECK(must_fail(loop, request_for(local("https", port))).kind == fault_class::tls);
  CHECK(must_fail(loop, request_for(local("http", port))).kind == fault_class::lost);
}

// Another origin must not learn who we are unless it is listed; the same one must.
TEST_CASE("a redirect of a request carries its headers to an origin that may have them", "[http]") {
  asio::io_context loop{1};
  http_script other(loop, [](const std::string&) { return http_answer("200 OK", "here"); });
  const bool leaves = GENERATE(true, false);
  const std::string away = leaves ? local("http", other.port(), "/a/there") : "../there";
  http_script first(loop, [&](const std::string& request) {
    return contains(request, "/there") ? http_answer("200 OK", "here") : redirect_to("302 Found", away);
  });
  auto request = request_for(local("http", first.port(), "/a/b/c?d=e"));
  request.headers = {{"authorization", "Bearer sekret"}, {"X-App", "7"}};
  if (leaves) {
    const auto refused = must_fail(loop, request);
    CHECK(refused.kind == fault_class::http);
    CHECK(refused.cause == "the server answered HTTP 302, go to '" + away +
                               "'; not followed: that is another origin, which redirects does not list");
    CHECK(other.requests().empty());
    std::string error;
    request.redirects.origins = {config::parse_origin(local("ws", other.port(), ""), error).value()};
  }
  const auto answer = must_fetch(loop, std::move(request));
  CHECK(answer.body == "here");
  CHECK(answer.address.port == (leaves ? other.port() : first.port()));
  const std::string& last = leaves ? other.requests().at(0) : first.requests().at(1);
  CHECK(last.starts_with("GET /a/there HTTP/1.1\r\n"));
  CHECK(contains(last, "X-App: 7"));
  CHECK(contains(last, "authorization: Bearer sekret"));
}

TEST_CASE("redirects keep or forget method and body by their status", "[http]") {
  asio::io_context loop{1};
  const auto [status, keeps] = GENERATE(table<std::string, bool>({{"301 Moved", false},
                                                                  {"302 Found", false},
                                                                  {"303 See Other", false},
                                                                  {"307 Temporary", true},
                                                                  {"308 Permanent", true}}));
  http_script server(loop, [&, s = status](const std::string& request) {
    return contains(request, " /new ") ? http_answer("200 OK") : redirect_to(s, "/new");
  });
  auto request = request_for(local("http", server.port()));
  request.method = "POST";
  request.body = "question";
  request.headers.emplace_back("Content-Type", "text/plain");
  must_fetch(loop, std::move(request));
  const std::string& last = server.requests().at(1);
  CHECK(last.starts_with(keeps ? "POST /new" : "GET /new"));
  CHECK(contains(last, "question") == keeps);
  CHECK(contains(last, "Content-Type") == keeps);
}

TEST_CASE("redirects that may not be followed are refused", "[http]") {
  const trust trusted;
  asio::io_context loop{1};
  std::string location;
  http_script server(
      loop, [&](const std::string&) { return redirect_to("307 Temporary", location); }, true,
      trusted.server());
  auto request = request_for(local("https", server.port()), trusted.ca_file());
  const auto failed_with = [&](const std::string& where) {
    location = where;
    const auto failed = must_fail(loop, request);
    CHECK(failed.kind == fault_class::http);
    return failed.cause;
  };
  CHECK(contains(failed_with("http://localhost/"), "not followed: that is not encrypted, and this is"));
  CHECK(contains(failed_with("file:///etc/passwd"), "a URL must start with https:// or http://"));
  CHECK(contains(failed_with("https://a@b/"), "user name"));
  CHECK(contains(failed_with("/again"), "redirected more than 5 times"));
  CHECK(server.requests().size() == 3 + 6);
  request.redirects.followed = false;
  CHECK(contains(failed_with("/again"), "not followed: redirects is none"));
}

TEST_CASE("an answer that is no use is a fault", "[http]") {
  SECTION("too large, by what it says or by what comes") {
    const std::string big(1001, 'x');
    CHECK(contains(fault_after(http_answer("200 OK", big)).cause, "larger than the limit of 1000 bytes"));
    const auto unsized = fault_after("HTTP/1.1 200 OK\r\n\r\n" + big);
    CHECK(contains(unsized.cause, "larger than the limit of 1000 bytes"));
    CHECK(unsized.kind == fault_class::http);
    const auto head = fault_after("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    CHECK(contains(head.cause, "the head of the server's answer is larger"));
  }
  SECTION("a part without an end") {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string digits(100'000, '0');
    const std::string limit = "a chunk line of the server's answer is larger than the limit of 4096 bytes";
    CHECK(fault_after(chunked + digits, 1000, false).cause == limit);
    CHECK(fault_after(chunked + "1;" + digits, 1000, false).cause == limit);
    CHECK(contains(fault_after(chunked + "0\r\nA: " + digits, 1000, false).cause, "the trailers of"));
  }
  SECTION("no HTTP") {
    const auto failed = fault_after("SSH-2.0-OpenSSH_9.2\r\n\x01\r\n");
    CHECK(failed.kind == fault_class::http);
    CHECK(contains(failed.cause, "is not HTTP"));
    CHECK(contains(failed.cause, "'SSH-2.0-OpenSSH_9.2 ?"));
  }
  SECTION("TLS") {
    const auto failed = fault_after(std::string("\x15\x03\x01\x00\x02\x02\x46", 7));
    CHECK(failed.kind == fault_class::http);
    CHECK(failed.cause == "the server speaks TLS on this port (is it an https:// address?)");
  }
  SECTION("nothing, or only the beginning") {
    const auto nothing = fault_after("");
    CHECK(nothing.kind == fault_class::lost);
    CHECK(nothing.cause ==
          "the peer ended the connection before the whole answer was there (is it an https:// address?)");
    const auto half = fault_after("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    CHECK(half.kind == fault_class::lost);
    CHECK(contains(half.cause, "in the middle of its answer"));
  }
}

TEST_CASE("what comes before the answer is skipped, and a body may end with the connection", "[http]") {
  asio::io_context loop{1};
  http_script server(loop, [](const std::string&) {
    return "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nRetry-After: 7\r\n\r\n"
           "all of it";
  });
  const auto answer = must_fetch(loop, request_for(local("http", server.port())));
  CHECK(answer.body == "all of it");
  CHECK(answer.retry_after == std::chrono::seconds(7));
}

// Python's gzip, though nobody asked for it.
TEST_CASE("compression is not asked for, and undone all the same", "[http]") {
  const std::string gzipped(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\xc9\xcf\x4e\xcd\x53\xb2\x52\x0a\x31\x54\xaa\x05"
      "\x00"
      "\xa8\x72\x3e\x17\x0e\x00\x00\x00",
      34);
  asio::io_context loop{1};
  http_script server(loop, [&](const std::string&) {
    return http_answer("200 OK", gzipped, "Content-Encoding: gzip\r\nX: y\r\n");
  });
  const auto answer = must_fetch(loop, request_for(local("http", server.port())));
  CHECK(answer.body == R"({"token":"T1"})");
  CHECK(answer.header("content-encoding") == nullptr);
  CHECK(answer.header("x") != nullptr);
  CHECK(contains(server.requests().at(0), "\r\nAccept-Encoding: identity\r\n"));
  auto other = request_for(local("http", server.port()));
  other.headers.emplace_back("accept-encoding", "gzip");
  must_fetch(loop, std::move(other));
  CHECK_FALSE(contains(server.requests().at(1), "identity"));
  auto small = request_for(local("http", server.port()));
  small.largest_answer = 13;
  CHECK(contains(fault_after(http_answer("200 OK", gzipped, "Content-Encoding: gzip\r\n"), 13).cause,
                 "larger than the limit of 13 bytes"));
  const auto cut = fault_after(http_answer("200 OK", gzipped.substr(0, 30), "Content-Encoding: gzip\r\n"));
  CHECK(cut.cause == "the server's answer cannot be decompressed (gzip)");
}

TEST_CASE("a slow server is given up", "[http]") {
  asio::io_context loop{1};
  const std::string begin = GENERATE("", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  http_script server(loop, [&](const std::string&) { return std::string(begin); }, false);
  auto request = request_for(local("http", server.port()));
  request.timeout = milliseconds(100);
  const auto failed = must_fail(loop, std::move(request));
  CHECK(failed.kind == fault_class::http);
  CHECK(failed.cause == "no whole answer within 100ms");
}

// Counted is the body without its framing; what fits exactly is whole.
TEST_CASE("a body of exactly the limit is an answer, one byte more is a fault", "[http]") {
  const auto size = GENERATE(as<std::size_t>{}, 999, 1000, 1001);
  const std::string body(size, 'x');
  const std::string answer =
      GENERATE_COPY(http_answer("200 OK", body), "HTTP/1.1 200 OK\r\n\r\n" + body,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" +
                        fmt::format("{:x}", size - 1) + "\r\n" + body.substr(1) + "\r\n0\r\n\r\n");
  asio::io_context loop{1};
  http_script server(loop, [&](const std::string&) { return answer; });
  auto request = request_for(local("http", server.port()));
  request.largest_answer = 1000;
  if (size <= 1000) {
    CHECK(must_fetch(loop, std::move(request)).body == body);
  } else {
    CHECK(contains(must_fail(loop, std::move(request)).cause, "larger than the limit of 1000 bytes"));
  }
}

TEST_CASE("a head of nearly the limit is read", "[http]") {
  asio::io_context loop{1};
  const std::string value(64 * 1024 - 200, 'x');
  http_script server(loop,
                     [&](const std::string&) { return http_answer("200 OK", "b", "X: " + value + "\r\n"); });
  const auto answer = must_fetch(loop, request_for(local("http", server.port())));
  REQUIRE(answer.header("x") != nullptr);
  CHECK(*answer.header("x") == value);
}

TEST_CASE("answers below 200 are skipped but for the one that switches protocols", "[http]") {
  const auto behind = [](const std::string& first) {
    asio::io_context loop{1};
    http_script server(loop, [&](const std::string&) {
      return "HTTP/1.1 " + first + "\r\n\r\n" + http_answer("200 OK", "here");
    });
    const auto client = make_http_client(loop);
    const auto result = run(loop, client->fetch(request_for(local("http", server.port()))));
    const auto* failed = std::get_if<fault>(&result);
    return failed != nullptr ? failed->cause : std::get<http_response>(result).body;
  };
  for (const char* status : {"100 Continue", "102 Processing", "103 Hints", "199 Word"})
    CHECK(behind(status) == "here");
  CHECK(behind("101 Switching Protocols") == "the server switched to another protocol unasked");
  CHECK(behind("100 Continue\r\n\r\nHTTP/1.1 103 Hints") == "here");
}

// The begin of what is no HTTP is shown, as much of it as helps.
TEST_CASE("what is no HTTP is told by its first 40 bytes", "[http]") {
  const std::string line(60, 'S');
  CHECK(contains(fault_after(line + "\r\n\r\n").cause, "it begins with '" + line.substr(0, 40) + "…'"));
}

// The phases of the connection have their own limits, and none may outlast the whole.
TEST_CASE("a fetch lasts no longer than its timeout in any phase", "[http]") {
  asio::io_context loop{1};
  http_script silent(loop, [](const std::string&) { return ""; }, false);
  auto request = request_for(local(GENERATE("http", "https"), silent.port()));
  const bool by_proxy = GENERATE(false, true);
  if (by_proxy) {
    request.proxies.open = request.proxies.secure =
        config::proxy_server{.socks = true, .host = "127.0.0.1", .port = silent.port()};
    request.timeouts.proxy = std::chrono::seconds(5);
  }
  request.timeout = milliseconds(60);
  const auto begin = std::chrono::steady_clock::now();
  const auto failed = must_fail(loop, std::move(request));
  CHECK(contains(failed.cause, "within "));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
}

TEST_CASE("requests that cannot be sent are refused without the header's value", "[http]") {
  asio::io_context loop{1};
  auto request = request_for("http://localhost:1/");
  SECTION("a value with a line break") {
    request.headers.emplace_back("X", "a\r\nsekret: 1");
  }
  SECTION("a header of ours") {
    request.headers.emplace_back("content-length", "sekret");
  }
  SECTION("a method with a space") {
    request.method = "GET /";
  }
  SECTION("a path with a line break") {
    request.address.target = "/\r\nsekret: 1";
  }
  const auto failed = must_fail(loop, std::move(request));
  CHECK(failed.kind == fault_class::http);
  CHECK_FALSE(contains(failed.cause, "sekret"));
}

namespace {

asio::awaitable<void> fetch_and_drop(http_client& client, http_request what) {
  co_await asio::this_coro::throw_if_cancelled(false);  // as in the daemon's tasks
  const auto result = co_await client.fetch(std::move(what));
  CHECK_FALSE(std::holds_alternative<http_response>(result));
}

}  // namespace

TEST_CASE("a cancelled fetch ends at once", "[http]") {
  asio::io_context loop{1};
  http_script server(loop, [](const std::string&) { return "HTTP/1.1 200 OK\r\n"; }, false);
  const auto client = make_http_client(loop);
  asio::cancellation_signal cut;
  std::exception_ptr thrown;
  bool done = false;
  asio::co_spawn(loop, fetch_and_drop(*client, request_for(local("http", server.port()))),
                 asio::bind_cancellation_slot(cut.slot(), [&](std::exception_ptr how) {
                   done = true;
                   thrown = std::move(how);
                 }));
  REQUIRE(run_until(loop, [&] { return !server.requests().empty(); }));
  run_ready(loop);  // the part of the answer that comes has come
  REQUIRE_FALSE(done);
  asio::post(loop, [&] { cut.emit(asio::cancellation_type::terminal); });
  REQUIRE(run_until(loop, [&] { return done; }));
  CHECK_FALSE(thrown);
}
