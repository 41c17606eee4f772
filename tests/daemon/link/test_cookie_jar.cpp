// RFC 6265 by tables: what is taken, what it is sent to, how long it lives, and how much there is of it.
#include <string>
#include <vector>

#include "daemon/link/cookie_jar.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;

constexpr std::time_t now = 1'800'000'000;  // 2027-01-15 08:00:00 UTC

config::url at(const std::string& text) {
  std::string error;
  const bool is_web_socket = text.starts_with("ws");
  const auto parsed = is_web_socket ? config::parse_url(text, error) : config::parse_http_url(text, error);
  INFO(text << ": " << error);
  REQUIRE(parsed.has_value());
  return *parsed;
}

void set(cookie_jar& jar, const std::string& from, const std::string& line, unsigned status = 200,
         std::time_t when = now) {
  jar.note(at(from), status, {{"Set-Cookie", line}}, when);
}

/// What a server gets back after it, or another one, has set a cookie.
std::string back(const std::string& from, const std::string& line, const std::string& to,
                 std::time_t later = 0) {
  cookie_jar jar;
  set(jar, from, line);
  return jar.header_for(at(to), now + later);
}

}  // namespace

TEST_CASE("a cookie is a name and a value, whatever attributes stand behind it", "[cookies]") {
  const auto sent = [](const std::string& line) { return back("https://h/", line, "https://h/"); };
  CHECK(sent("SID=31d4d96e407aad42") == "SID=31d4d96e407aad42");
  CHECK(sent("TOKEN=abc; Path=/; HttpOnly; SameSite=Lax") == "TOKEN=abc");
  CHECK(sent("  a = b c ;x") == "a=b c");
  CHECK(sent("a=b=c") == "a=b=c");
  CHECK(sent("a=\"q\"") == "a=\"q\"");
  CHECK(sent("a=") == "a=");
  CHECK(sent("a").empty());
  CHECK(sent("=b").empty());
  CHECK(sent("; a=b").empty());
  CHECK(sent("a=b\tc").empty());
  CHECK(sent("a=b; unknown; =; ;") == "a=b");
}

TEST_CASE("a cookie goes to the host that set it, and below its Domain", "[cookies]") {
  struct row {
    std::string from, attributes, to;
    bool sent;
  };
  const row rows[] = {
      {"https://a.example", "", "wss://a.example", true},
      {"https://A.example", "", "wss://a.EXAMPLE", true},
      {"https://a.example:8443", "", "wss://a.example:9443", true},  // ports make no difference
      {"https://a.example", "", "wss://b.a.example", false},
      {"https://a.example", "", "wss://example", false},
      {"https://a.b.example", "; Domain=b.example", "wss://c.b.example", true},
      {"https://a.b.example", "; Domain=.B.Example", "wss://b.example", true},
      {"https://a.b.example", "; Domain=b.example", "wss://xb.example", false},
      {"https://a.b.example.", "; Domain=b.example.", "wss://c.b.example.", true},
      {"https://a.b.example", "; Domain=c.example", "wss://c.example", false},
      {"https://b.example", "; Domain=a.b.example", "wss://a.b.example", false},
      {"https://a.b.example", "; Domain=", "wss://a.b.example", true},
      {"https://a.b.example", "; Domain=x.example; Domain=b.example", "wss://b.example", true},
      {"https://shop.com", "; Domain=com", "wss://shop.com", false},  // a single label
      {"https://shop.com", "; Domain=.com", "wss://other.com", false},
      {"http://localhost", "; Domain=localhost", "ws://localhost", true},  // its own name
      {"http://localhost", "; Domain=localhost", "ws://a.localhost", false},
      {"http://10.0.0.1", "", "ws://10.0.0.1", true},
      {"http://10.0.0.1", "; Domain=0.0.1", "ws://10.0.0.1", false},  // addresses have no parents
      {"http://[fe80::1%25eth0]", "", "ws://[fe80::1%25eth1]", true},
  };
  for (const row& each : rows) {
    INFO(each.from << each.attributes << " -> " << each.to);
    CHECK(back(each.from, "a=1" + each.attributes, each.to) == (each.sent ? "a=1" : ""));
  }
}

TEST_CASE("a cookie goes to its path and below it", "[cookies]") {
  struct row {
    std::string from, attributes, to;
    bool sent;
  };
  const row rows[] = {
      {"/login", "", "/ws", true},
      {"/api/login", "", "/ws", false},
      {"/api/login?next=/ws", "", "/api/ws?x", true},
      {"/api/login", "", "/apiary", false},
      {"/api/login", "; Path=/", "/ws", true},
      {"/login", "; Path=/api", "/api", true},
      {"/login", "; Path=/api", "/api/ws", true},
      {"/login", "; Path=/api", "/apis", false},
      {"/login", "; Path=/api/", "/api/ws", true},
      {"/login", "; Path=/api/", "/api", false},
      {"/api/login", "; Path=ws", "/api/x", true},  // no path: as if there were none
      {"/api/login", "; Path=", "/ws", false},
      {"/x", "; Path=/a; Path=/b", "/b", true},
  };
  for (const row& each : rows) {
    INFO(each.from << each.attributes << " -> " << each.to);
    CHECK(back("http://h" + each.from, "a=1" + each.attributes, "ws://h" + each.to) ==
          (each.sent ? "a=1" : ""));
  }
}

TEST_CASE("a secure cookie is neither sent nor taken without TLS", "[cookies]") {
  CHECK(back("https://h", "a=1; Secure", "wss://h") == "a=1");
  CHECK(back("https://h", "a=1; secure", "ws://h:80").empty());
  CHECK(back("http://h", "a=1; Secure", "wss://h").empty());
  CHECK(back("http://h", "a=1", "wss://h") == "a=1");
}

TEST_CASE("a cookie lives until its Max-Age or its date, Max-Age first", "[cookies]") {
  const auto lives = [](const std::string& attributes, std::time_t later) {
    return !back("https://h", "a=1; " + attributes, "https://h", later).empty();
  };
  CHECK(lives("", 1'000'000'000));
  CHECK(lives("Max-Age=60", 59));
  CHECK_FALSE(lives("Max-Age=60", 60));
  CHECK_FALSE(lives("Max-Age=0", 0));
  CHECK_FALSE(lives("Max-Age=-1", 0));
  CHECK(lives("Max-Age=x", 60));
  CHECK(lives("Max-Age=99999999999999999999999", 1'000'000'000));
  CHECK(lives("Expires=Fri, 15 Jan 2027 08:01:00 GMT", 59));
  CHECK_FALSE(lives("Expires=Fri, 15 Jan 2027 08:01:00 GMT", 60));
  CHECK(lives("Max-Age=120; Expires=Fri, 15 Jan 2027 08:01:00 GMT", 60));
  CHECK(lives("Expires=Fri, 15 Jan 2027 08:01:00 GMT; Max-Age=120", 60));
  CHECK(lives("Max-Age=120; Max-Age=x; Expires=Fri, 15 Jan 2027 08:01:00 GMT", 60));
  CHECK(lives("Expires=soon", 60));
  for (const std::string date :
       {"Friday, 15-Jan-27 08:01:00 GMT", "Fri Jan 15 08:01:00 2027", "2027 January 15 8:1:0"}) {
    INFO(date);
    CHECK(lives("Expires=" + date, 59));
    CHECK_FALSE(lives("Expires=" + date, 60));
  }
  CHECK_FALSE(lives("Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0));
  CHECK_FALSE(lives("Expires=Thu, 01 Jan 70 00:00:00 GMT", 0));        // 1970
  CHECK(lives("Expires=Tue, 01 Jan 69 00:00:00 GMT", 1'000'000'000));  // 2069
  for (const std::string nonsense :
       {"15 Jan 2027", "Jan 2027 08:01:00", "0 Jan 1999 08:01:00", "32 Jan 1999 08:01:00",
        "15 Jan 1999 24:01:00", "15 Jan 1600 08:01:00", "015 Jan 99999 08:01:00", "15 Jan 1999 8:100:0"}) {
    INFO(nonsense);
    CHECK(lives("Expires=" + nonsense, 60));
  }
}

TEST_CASE("a cookie of the same name, domain and path takes the place of the one before", "[cookies]") {
  cookie_jar jar;
  set(jar, "https://h/x/y", "a=1; Path=/");
  set(jar, "https://h/x/y", "b=1; Path=/");
  set(jar, "https://h/x/y", "a=2");
  set(jar, "https://h/x/y", "a=3; Path=/");
  CHECK(jar.header_for(at("https://h/x/z"), now) == "a=2; a=3; b=1");  // long paths first, then by age
  set(jar, "https://h/x/y", "a=; Path=/; Max-Age=0");
  CHECK(jar.header_for(at("https://h/x/z"), now) == "a=2; b=1");
  CHECK(jar.size() == 2);
}

// With or without Path it is the same cookie.
TEST_CASE("the path of a cookie from the top is /", "[cookies]") {
  cookie_jar jar;
  set(jar, "https://h/x", "a=1");
  set(jar, "https://h/x", "a=2; Path=/");
  CHECK(jar.header_for(at("https://h/"), now) == "a=2");
}

TEST_CASE("a cookie that ends in the second in which it comes is not kept", "[cookies]") {
  cookie_jar jar;
  set(jar, "https://h", "a=1; Expires=Fri, 15 Jan 2027 08:00:00 GMT");
  CHECK(jar.size() == 0);
  set(jar, "https://h", "a=1; Expires=Fri, 15 Jan 2027 08:00:01 GMT");
  CHECK(jar.size() == 1);
}

TEST_CASE("all lines of an answer are taken, in any case, and others are not", "[cookies]") {
  cookie_jar jar;
  jar.note(at("https://h"), 302,
           {{"set-cookie", "a=1"}, {"X-Cookie", "x=1"}, {"SET-COOKIE", "b=2"}, {"Set-Cookie2", "c=3"}}, now);
  CHECK(jar.header_for(at("https://h"), now) == "a=1; b=2");
}

TEST_CASE("an answer that lets nobody in empties the jar, and may fill it again", "[cookies]") {
  for (const unsigned status : {401U, 403U}) {
    cookie_jar jar;
    set(jar, "https://h", "old=1");
    set(jar, "https://other", "old=1");
    set(jar, "https://h", "fresh=1", status);
    CHECK(jar.header_for(at("https://h"), now) == "fresh=1");
    CHECK(jar.header_for(at("https://other"), now).empty());
  }
  for (const unsigned status : {101U, 200U, 302U, 400U, 404U, 500U}) {
    cookie_jar jar;
    set(jar, "https://h", "old=1");
    jar.note(at("https://h"), status, {}, now);
    CHECK(jar.header_for(at("https://h"), now) == "old=1");
  }
}

TEST_CASE("one cookie has its limit, and what is longer is ignored", "[cookies]") {
  const std::string longest(cookie_jar::most_of_one - 1, 'v');
  CHECK(back("https://h", "a=" + longest, "https://h") == "a=" + longest);
  CHECK(back("https://h", "a=" + longest + "v", "https://h").empty());
  CHECK(back("https://h", "a=1; Path=/" + std::string(cookie_jar::most_of_one, 'p'), "https://h").empty());
}

TEST_CASE("a full jar drops what was not used for longest", "[cookies]") {
  cookie_jar jar;
  const std::string value(1000, 'v');
  set(jar, "https://h/", "used=1; Path=/");
  set(jar, "https://h/", "unused=1; Path=/x");
  for (int i = 0; i < 100; ++i) {
    set(jar, "https://h/", "c" + std::to_string(i) + "=" + value + "; Path=/y");
    CHECK(jar.header_for(at("https://h/"), now) == "used=1");
  }
  CHECK(jar.size() <= cookie_jar::most_bytes / value.size());
  CHECK(jar.size() > cookie_jar::most_bytes / (2 * value.size()));
  CHECK(jar.header_for(at("https://h/x"), now) == "used=1");
  CHECK(jar.header_for(at("https://h/y"), now).ends_with("c99=" + value + "; used=1"));
}

TEST_CASE("each part of a cookie takes its room in the jar", "[cookies][bounds]") {
  const std::string label(49, 'd');
  const std::string host = label + "." + label + "." + label + "." + label;
  const std::string part(host.size(), 'p');
  struct row {
    std::string from, name, value, path;
  };
  for (const row& each : {row{host, "c", "", ""}, row{"h", "c" + part, "", ""}, row{"h", "c", part, ""},
                          row{"h", "c", "", part}}) {
    cookie_jar jar;
    for (int i = 0; i < 1'000; ++i) {
      const std::string name = each.name + std::to_string(i);
      set(jar, "https://" + each.from, name + "=" + each.value + "; Path=/" + each.path);
    }
    INFO(each.from << ' ' << each.name << ' ' << each.value << ' ' << each.path);
    CHECK(jar.size() < cookie_jar::most_bytes / (part.size() + 100));
    CHECK(jar.size() > cookie_jar::most_bytes / (part.size() + 300));
  }
}

TEST_CASE("a Cookie header of the user's is completed by other names", "[cookies]") {
  const auto merged = [](cookie_jar::header_list headers, const std::string& jar) {
    set_cookies(headers, jar);
    return headers;
  };
  using list = cookie_jar::header_list;
  CHECK(merged({{"X", "y"}}, "").size() == 1);
  CHECK(merged({{"X", "y"}}, "a=1") == list{{"X", "y"}, {"Cookie", "a=1"}});
  CHECK(merged({{"cookie", "t=0"}, {"X", "y"}}, "a=1; b=2") == list{{"cookie", "t=0; a=1; b=2"}, {"X", "y"}});
  CHECK(merged({{"Cookie", "t=0; a=mine"}}, "a=1; b=2") == list{{"Cookie", "t=0; a=mine; b=2"}});
}
