#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "daemon/link/cookie_jar.hpp"
#include "daemon/net/make_http_client.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/child_process.hpp"
#include "tests/daemon/net/http_script.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::fault_class;
using std::chrono::milliseconds;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

http_request request_for(const std::string& url, const std::string& ca_file = {}) {
  http_request made;
  std::string error;
  const auto address = config::parse_http_url(url, error);
  REQUIRE(address);
  made.address = *address;
  made.ca_file = ca_file;
  made.timeouts.resolve = made.timeouts.connect = made.timeouts.tls = std::chrono::seconds(5);
  made.timeout = std::chrono::seconds(5);
  return made;
}

std::string local(const std::string& scheme, std::uint16_t port, const std::string& target = "/") {
  return scheme + "://localhost:" + std::to_string(port) + target;
}

http_response must_fetch(asio::io_context& loop, http_request what) {
  const auto client = make_http_client(loop);
  auto result = run(loop, client->fetch(std::move(what)));
  if (const auto* failed = std::get_if<fault>(&result)) FAIL(failed->cause);
  return std::get<http_response>(std::move(result));
}

fault must_fail(asio::io_context& loop, http_request what) {
  const auto client = make_http_client(loop);
  auto result = run(loop, client->fetch(std::move(what)));
  REQUIRE(std::holds_alternative<fault>(result));
  return std::get<fault>(std::move(result));
}

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

namespace {

const std::string digest_challenge =
    http_answer("401 Unauthorized", "who?",
                "WWW-Authenticate: Basic realm=\"r\"\r\n"
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n");

http_request with_digest(const std::string& url) {
  auto made = request_for(url);
  made.digest = {.username = "u", .password = "p"};
  return made;
}

}  // namespace

TEST_CASE("a Digest challenge is answered once, with the whole request again", "[http]") {
  asio::io_context loop{1};
  const bool right = GENERATE(true, false);
  http_script server(loop, [&](const std::string& request) {
    return right && contains(request, "Authorization: Digest") ? http_answer("200 OK", "in")
                                                               : digest_challenge;
  });
  auto request = with_digest(local("http", server.port(), "/a?b"));
  request.method = "POST";
  request.body = "question";
  request.headers = {{"authorization", "Bearer 1"}};
  const auto answer = must_fetch(loop, std::move(request));
  CHECK(answer.status == (right ? 200 : 401));
  REQUIRE(server.requests().size() == 2);
  CHECK(contains(server.requests()[0], "authorization: Bearer 1"));
  const std::string& second = server.requests()[1];
  CHECK(second.starts_with("POST /a?b HTTP/1.1\r\n"));
  CHECK(second.ends_with("\r\n\r\nquestion"));
  CHECK(contains(second, "Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n1\", uri=\"/a?b\""));
  CHECK_FALSE(contains(second, "Bearer"));
}

TEST_CASE("no password goes to who does not ask, or asks in another way, or is another origin", "[http]") {
  asio::io_context loop{1};
  http_script open(loop, [](const std::string&) { return http_answer("200 OK", "in"); });
  CHECK(must_fetch(loop, with_digest(local("http", open.port()))).status == 200);
  CHECK_FALSE(contains(open.requests().at(0), "Authorization"));
  http_script basic(loop, [](const std::string&) {
    return http_answer("401 Unauthorized", "", "WWW-Authenticate: Basic realm=\"r\"\r\n");
  });
  CHECK(must_fetch(loop, with_digest(local("http", basic.port()))).status == 401);
  CHECK(basic.requests().size() == 1);
  http_script other(loop, [](const std::string&) { return digest_challenge; });
  http_script first(
      loop, [&](const std::string&) { return redirect_to("302 Found", local("http", other.port())); });
  auto request = with_digest(local("http", first.port()));
  std::string error;
  request.redirects.origins = {config::parse_origin(local("ws", other.port(), ""), error).value()};
  CHECK(must_fetch(loop, std::move(request)).status == 401);
  CHECK(other.requests().size() == 1);
}

// A server of another make decides whether the answer is right.
TEST_CASE("Python's own Digest agrees", "[http]") {
  const std::string script = R"(
import hashlib, http.server, urllib.request
class Digest(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        given = self.headers.get('Authorization', '')
        parts = urllib.request.parse_keqv_list(urllib.request.parse_http_list(given.partition(' ')[2]))
        H = lambda text: hashlib.sha256(text.encode()).hexdigest()
        middle = ':'.join(parts.get(name, '') for name in ('nonce', 'nc', 'cnonce', 'qop'))
        wanted = H(H('u:the realm:p') + ':' + middle + ':' + H('GET:' + self.path))
        good = parts.get('response') == wanted and parts.get('opaque') == 'o, p'
        self.send_response(200 if good else 401)
        if not good:
            self.send_header('WWW-Authenticate', 'Digest realm="the realm", nonce="abc", opaque="o, p", '
                             'algorithm=SHA-256, qop="auth,auth-int"')
        self.send_header('Content-Length', '0')
        self.end_headers()
server = http.server.HTTPServer(('127.0.0.1', 0), Digest)
print('port', server.server_port, flush=True)
server.serve_forever()
)";
  child_process python({"python3", "-c", script});
  const auto port = number_after(python.line(), "port ");
  asio::io_context loop{1};
  CHECK(must_fetch(loop, with_digest(local("http", port, "/x?y=1"))).status == 200);
  auto wrong = with_digest(local("http", port));
  wrong.digest->password = "q";
  CHECK(must_fetch(loop, std::move(wrong)).status == 401);
}

TEST_CASE("cookies of answers, redirects too, come back", "[http]") {
  asio::io_context loop{1};
  http_script server(loop, [](const std::string& request) {
    if (contains(request, " /login ")) {
      return http_answer("302 Found", "",
                         "Location: /home\r\nSet-Cookie: SID=1; Path=/\r\nSet-Cookie: csrf=x\r\n");
    }
    return contains(request, "SID=1") ? http_answer("200 OK", "home") : http_answer("403 Forbidden");
  });
  auto request = request_for(local("http", server.port(), "/login"));
  request.cookies = std::make_shared<cookie_jar>();
  request.headers = {{"Cookie", "mine=2"}};
  CHECK(must_fetch(loop, request).body == "home");
  CHECK(contains(server.requests().at(0), "\r\nCookie: mine=2\r\n"));
  CHECK(contains(server.requests().at(1), "\r\nCookie: mine=2; SID=1; csrf=x\r\n"));
  request.address.target = "/home";
  CHECK(must_fetch(loop, request).body == "home");
  request.cookies = nullptr;
  CHECK(must_fetch(loop, request).status == 403);
}

TEST_CASE("a Digest challenge empties no jar, a refusal does", "[http]") {
  asio::io_context loop{1};
  bool refuses = false;
  http_script server(loop, [&](const std::string& request) {
    return contains(request, "Digest") && !refuses ? http_answer("200 OK") : digest_challenge;
  });
  auto request = with_digest(local("http", server.port()));
  request.cookies = std::make_shared<cookie_jar>();
  request.cookies->note(request.address, 200, {{"Set-Cookie", "a=1"}}, std::time(nullptr));
  CHECK(must_fetch(loop, request).status == 200);
  CHECK(contains(server.requests().at(1), "Cookie: a=1"));
  CHECK(request.cookies->size() == 1);
  refuses = true;
  CHECK(must_fetch(loop, request).status == 401);
  CHECK(request.cookies->size() == 0);
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
