// Bytes that may stand in a request's head, and in a message for people: every one of them.
#include <cctype>
#include <string>
#include <string_view>

#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_exchange.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"
#include "protocol/text/printable.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;

/// RFC 9110, 5.6.2.
bool is_token_character(unsigned char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         others.find(static_cast<char>(c)) != std::string_view::npos;
}

http_request get(const std::string& target = "/") {
  http_request made;
  made.address.host = "localhost";
  made.address.port = 8080;
  made.address.target = target;
  return made;
}

}  // namespace

TEST_CASE("a header's name is made of token characters, wherever the other one stands", "[headers]") {
  for (int i = 0; i < 256; ++i) {
    const std::string one(1, static_cast<char>(i));
    const bool fits = is_token_character(static_cast<unsigned char>(i));
    INFO("byte " << i);
    CHECK(header_mistake(one, "value").has_value() == !fits);
    CHECK(header_mistake("X" + one, "value").has_value() == !fits);
    CHECK(header_mistake(one + "X", "value").has_value() == !fits);
  }
  CHECK(header_mistake("", "value") == "'' cannot be the name of a header");
  CHECK(header_mistake("a b", "value") == "'a b' cannot be the name of a header");
}

// Tabs are refused, too: nobody needs one, and proxies differ about them.
TEST_CASE("a header's value has no control characters, and may have all others", "[headers]") {
  for (int i = 0; i < 256; ++i) {
    const std::string one(1, static_cast<char>(i));
    const bool control = i < 32 || i == 127;
    INFO("byte " << i);
    for (const std::string& value : {one, "a" + one, one + "a"}) {
      CHECK(has_control_character(value) == control);
      CHECK(header_mistake("X-Name", value).has_value() == control);
    }
  }
  CHECK_FALSE(has_control_character(""));
  CHECK_FALSE(header_mistake("X-Name", ""));
  CHECK(header_mistake("X-Name", "sekret\r\n") ==
        "the value of the header 'X-Name' has a line break or control character in it");
}

TEST_CASE("names of headers are compared without regard to case, and whole", "[headers]") {
  CHECK(is_same_header("Cookie", "cOOKIE"));
  CHECK_FALSE(is_same_header("Cookie", "Cookie2"));
  CHECK_FALSE(is_same_header("Cookie2", "Cookie"));
  CHECK_FALSE(is_same_header("Cookie", "Cookies"));
  CHECK_FALSE(is_same_header("Cookie", "Coooie"));
  CHECK(is_same_header("", ""));
  const std::string_view begin = std::string_view("Cookie2").substr(0, 6);  // nothing ends it
  CHECK_FALSE(is_same_header("Cookie2", begin));
  CHECK_FALSE(is_same_header(begin, "Cookie2"));
}

TEST_CASE("headers that belong to an HTTP exchange cannot be set", "[headers]") {
  for (const char* name :
       {"Host", "CONNECTION", "content-length", "Transfer-Encoding", "Upgrade", "Expect", "TE"}) {
    auto request = get();
    request.headers = {{"Accept", "a"}, {name, "b"}};
    CHECK(check_request(request) == std::string("the header '") + name + "' cannot be set");
  }
  auto request = get();
  request.headers = {{"Origin", "a"}, {"Authorization", "b"}, {"Content-Type", "c"}, {"TEX", "d"}};
  CHECK_FALSE(check_request(request));
  request.headers.emplace_back("Bad Name", "e");
  CHECK(check_request(request) == "'Bad Name' cannot be the name of a header");
}

TEST_CASE("a method is a token, a target has no spaces and no control characters", "[headers]") {
  for (const char* method : {"", "GET ", "GE\rT", "G(T", "GET\x7f"}) {
    auto request = get();
    request.method = method;
    REQUIRE(check_request(request));
    CHECK(check_request(request)->find("is not an HTTP method") != std::string::npos);
  }
  for (int i = 0; i < 256; ++i) {
    const std::string target = "/a" + std::string(1, static_cast<char>(i));
    const bool bad = i <= 32 || i == 127;
    INFO("byte " << i);
    CHECK(check_request(get(target)).has_value() == bad);
    handshake_request upgrade;
    upgrade.target = target;
    CHECK(check_request(upgrade).has_value() == bad);
  }
}

TEST_CASE("headers that belong to the WebSocket handshake cannot be set", "[headers]") {
  for (const char* name :
       {"Upgrade", "connection", "Sec-WebSocket-Key", "sec-websocket-version", "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding"}) {
    handshake_request request;
    request.target = "/";
    request.headers = {{"Origin", "a"}, {name, "b"}};
    CHECK(check_request(request) == std::string("the header '") + name +
                                        "' belongs to the WebSocket handshake: remove it from headers");
  }
  handshake_request request;
  request.target = "/";
  request.headers = {{"Origin", "a"}, {"Authorization", "b"}, {"Sec-WebSocket", "c"}};
  CHECK_FALSE(check_request(request));
  request.headers.emplace_back("X-Key", "a\nb");
  CHECK(check_request(request));
}

TEST_CASE("a request as it goes over the wire", "[headers]") {
  auto request = get("/a?b");
  CHECK(request_text(request) ==
        "GET /a?b HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: duplexd\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n");
  request.headers = {{"user-agent", "me"}, {"ACCEPT", "text/plain"}, {"accept-encoding", "gzip"}, {"X", "y"}};
  CHECK(request_text(request) ==
        "GET /a?b HTTP/1.1\r\nHost: localhost:8080\r\nuser-agent: me\r\nACCEPT: "
        "text/plain\r\naccept-encoding: gzip\r\nX: y\r\n"
        "Connection: close\r\n\r\n");
  const auto has_length = [&](const std::string& method, const std::string& body, const std::string& length) {
    request.method = method;
    request.body = body;
    const auto text = request_text(request);
    CHECK(text.ends_with("\r\n\r\n" + body));
    return text.find("\r\nContent-Length: " + length + "\r\n") != std::string::npos;
  };
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    CHECK(has_length(method, "", "0"));
    CHECK(has_length(method, "abc", "3"));
  }
  for (const char* method : {"GET", "DELETE", "HEAD"}) {
    CHECK_FALSE(has_length(method, "", "0"));
    CHECK(has_length(method, "abc", "3"));
  }
}

TEST_CASE("texts of others are shown without what a terminal would obey", "[printable]") {
  for (int i = 0; i < 256; ++i) {
    const std::string one(1, static_cast<char>(i));
    const bool blank = i == '\n' || i == '\r' || i == '\t';
    const bool plain = i >= 32 && i < 127;
    INFO("byte " << i);
    CHECK(protocol::printable("a" + one + "b", 10) == (blank ? "a b" : plain ? "a" + one + "b" : "a?b"));
  }
  CHECK(protocol::printable("\xc2\x80|\xc2\x9f|\xc2\xa0", 20) == "?|?|\xc2\xa0");  // C1 control characters
  CHECK(protocol::printable("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 20) ==
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(protocol::printable("\xe2\x82", 20) == "??");
  CHECK(protocol::printable("\xf0\x9f\x98\x80", 4) == "\xf0\x9f\x98\x80");
  CHECK(protocol::printable("", 5).empty());
}

TEST_CASE("line breaks become one space, and none at the front", "[printable]") {
  CHECK(protocol::printable("\r\na\r\n\r\n\tb \nc\n", 20) == "a b c ");
}

TEST_CASE("a text that is shown is cut between characters, and says so", "[printable]") {
  CHECK(protocol::printable("abcde", 5) == "abcde");
  CHECK(protocol::printable("abcdef", 5) == "abcde…");
  CHECK(protocol::printable("abcd\xc3\xa9", 5) == "abcd…");
  CHECK(protocol::printable("abc\xc3\xa9", 5) == "abc\xc3\xa9");
  CHECK(protocol::printable("a", 0) == "…");
}

TEST_CASE("durations are told in milliseconds below a second", "[printable]") {
  using std::chrono::milliseconds;
  CHECK(duration_text(milliseconds(0)) == "0ms");
  CHECK(duration_text(milliseconds(999)) == "999ms");
  CHECK(duration_text(milliseconds(1000)) == "1s");
  CHECK(duration_text(milliseconds(1500)) == "1.5s");
  CHECK(duration_text(milliseconds(60'000)) == "60s");
}
