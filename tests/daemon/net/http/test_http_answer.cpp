// An HTTP answer other than 101: what fault it stands for, and when the server wants us back.
#include <chrono>
#include <string>

#include "daemon/net/http/http_answer.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace std::chrono_literals;
using config::fault_class;

constexpr std::time_t noon = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example

fault fault_of(const std::string& bytes) {
  answer_reader reader({});
  reader.feed(bytes);
  REQUIRE(reader.head_done());
  return fault_of_answer(reader.head(), reader.body(), noon);
}

std::string cause_of(const std::string& bytes) {
  return fault_of(bytes).cause;
}

}  // namespace

TEST_CASE("Retry-After in seconds", "[http_answer]") {
  const auto wish = [](const std::string& value) { return parse_retry_after(value, noon); };
  CHECK(wish("0") == 0ms);
  CHECK(wish("1") == 1s);
  CHECK(wish("120") == 120s);
  CHECK(wish("86400") == 24h);
  CHECK(wish("86401") == 24h);
  CHECK(wish("9223372036854775807") == 24h);
  for (const char* none :
       {"", "-1", "-0x1", "5x", " 5", "5 ", "1.5", "x", "9223372036854775808", "99999999999999999999999"})
    CHECK_FALSE(wish(none));
}

TEST_CASE("Retry-After as a date", "[http_answer]") {
  const auto wish = [](const std::string& value) { return parse_retry_after(value, noon); };
  CHECK(wish("Sun, 06 Nov 1994 08:49:37 GMT") == 0s);
  CHECK(wish("Sun, 06 Nov 1994 08:49:38 GMT") == 1s);
  CHECK(wish("Sun, 06 Nov 1994 08:49:36 GMT") == 0s);
  CHECK(wish("Mon, 07 Nov 1994 08:49:37 GMT") == 24h);
  CHECK(wish("Mon, 07 Nov 1994 08:49:36 GMT") == 24h - 1s);
  CHECK(wish("Mon, 07 Nov 1994 08:49:38 GMT") == 24h);
  CHECK_FALSE(wish("Sun, 06 Nov 1994 08:49:37 GMT and more"));
  CHECK_FALSE(wish("Sun, 06 Nov 1994 08:49:37 CET"));
  CHECK_FALSE(wish("Sun, 06 Nov"));
}

TEST_CASE("an answer's status decides the class of the fault", "[http_answer]") {
  for (int status = 200; status <= 599; ++status) {
    const auto found = fault_of("HTTP/1.1 " + std::to_string(status) + " Word\r\n\r\n");
    const bool rejected = status == 401 || status == 403;
    CHECK(found.kind == (rejected ? fault_class::login_rejected : fault_class::http));
    CHECK(found.http_status == status);
    CHECK_FALSE(found.retry_after);
  }
}

TEST_CASE("an answer is told with its reason, its location and the begin of its body", "[http_answer]") {
  const std::string told = "the server answered HTTP ";
  CHECK(cause_of("HTTP/1.1 500 Bad Day\r\n\r\n") == told + "500 Bad Day");
  CHECK(cause_of("HTTP/1.1 302 Found\r\nLocation: /a?token=1\r\n\r\n") == told + "302 Found, go to /a");
  const std::string who = "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm=\"desk\"\r\n";
  CHECK(cause_of("HTTP/1.1 401 Who\r\n" + who + "\r\nno") ==
        told + "401 Who (WWW-Authenticate: Negotiate, Basic realm=\"desk\"): no");
  CHECK(cause_of("HTTP/1.1 403 No\r\n" + who + "\r\nno") == told + "403 No: no");
  CHECK(cause_of("HTTP/1.1 401 Who\r\nWWW-Authenticate: " + std::string(300, 'x') + "\r\n\r\n") ==
        told + "401 Who (WWW-Authenticate: " + std::string(200, 'x') + "…)");
  CHECK(cause_of("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\npartly") == told + "500 No: partly");
  CHECK(cause_of("HTTP/1.1 500 " + std::string(80, 'r') + "\r\n\r\n") ==
        told + "500 " + std::string(80, 'r'));
  CHECK(cause_of("HTTP/1.1 500 " + std::string(81, 'r') + "\r\n\r\n") ==
        told + "500 " + std::string(80, 'r') + "…");
  CHECK(cause_of("HTTP/1.1 500 No\r\n\r\n" + std::string(200, 'b')) ==
        told + "500 No: " + std::string(200, 'b'));
  CHECK(cause_of("HTTP/1.1 500 No\r\n\r\n" + std::string(201, 'b')) ==
        told + "500 No: " + std::string(200, 'b') + "…");
}

TEST_CASE("an answer's Retry-After is in its fault", "[http_answer]") {
  CHECK(fault_of("HTTP/1.1 503 No\r\nRetry-After: 7\r\n\r\n").retry_after == 7s);
  CHECK_FALSE(fault_of("HTTP/1.1 503 No\r\nRetry-After: soon\r\n\r\n").retry_after);
  CHECK(fault_of("HTTP/1.1 503 No\r\nretry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n\r\n").retry_after == 60s);
}
