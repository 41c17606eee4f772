// What the HTTP client shows of who asks: Digest and cookies.
#include <boost/asio/io_context.hpp>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "daemon/link/cookie_jar.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/child_process.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/http_script.hpp"

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

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
