#include "config/url.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

namespace {

struct good_row {
  const char* text;
  bool secure;
  const char* host;
  std::uint16_t port;
  const char* target;
  const char* authority;
};

}  // namespace

// RFC 6455, section 3: scheme, host, port and what is asked for.
TEST_CASE("good URLs are taken apart", "[url]") {
  const good_row rows[] = {
      {"wss://ws.test.com:2443/", true, "ws.test.com", 2443, "/", "ws.test.com:2443"},
      {"wss://h", true, "h", 443, "/", "h"},
      {"ws://h", false, "h", 80, "/", "h"},
      {"ws://h:443/", false, "h", 443, "/", "h:443"},
      {"WSS://h/", true, "h", 443, "/", "h"},
      {"wss://h/a/b?c=d:e@f", true, "h", 443, "/a/b?c=d:e@f", "h"},
      {"wss://h?x=1", true, "h", 443, "/?x=1", "h"},
      {"wss://[::1]:9/", true, "::1", 9, "/", "[::1]:9"},
      {"ws://[fe80::1%eth0]", false, "fe80::1%eth0", 80, "/", "[fe80::1%eth0]"},
      {"wss://127.0.0.1:65535", true, "127.0.0.1", 65535, "/", "127.0.0.1:65535"},
  };
  for (const good_row& row : rows) {
    INFO(row.text);
    std::string error;
    const auto parsed = parse_url(row.text, error);
    REQUIRE(parsed.has_value());
    CHECK(parsed->secure == row.secure);
    CHECK(parsed->host == row.host);
    CHECK(parsed->port == row.port);
    CHECK(parsed->target == row.target);
    CHECK(parsed->authority() == row.authority);
  }
}

// Every refusal has a reason, and none repeats the text, which may hold a token.
TEST_CASE("bad URLs are refused with a reason", "[url]") {
  for (const char* text : {"",
                           "wss:",
                           "wss:/",
                           "https://sekret",
                           "wss://",
                           "wss:///sekret",
                           "wss://:1/",
                           "wss://h:0/",
                           "wss://h:65536",
                           "wss://h:",
                           "wss://h:sekret/",
                           "wss://a:b@h/",
                           "wss://h/#sekret",
                           "wss://h/sek ret",
                           "wss://h\r\n/",
                           "wss://[::1",
                           "wss://[sekret]/",
                           "wss://[::1]x/",
                           "wss://::1/",
                           "wss://h\xC3\xA4/",
                           "wss://a/\xC3\xA4",
                           "wss://a,b/"}) {
    INFO(text);
    std::string error;
    CHECK_FALSE(parse_url(text, error).has_value());
    CHECK_FALSE(error.empty());
    CHECK(error.find("sekret") == std::string::npos);
  }
}

// HTTP addresses have the same form.
TEST_CASE("HTTP addresses are read by their own function", "[url]") {
  std::string error;
  const auto open = parse_http_url("http://h:8080/a?b", error);
  REQUIRE(open.has_value());
  CHECK_FALSE(open->secure);
  CHECK(open->authority() == "h:8080");
  CHECK(parse_http_url("HTTPS://h", error)->authority() == "h");
  CHECK_FALSE(parse_http_url("wss://h", error).has_value());
  CHECK(error == "a URL starts with https:// or http://");
  CHECK_FALSE(parse_url("https://h", error).has_value());
  CHECK(error == "a URL starts with wss:// or ws://");
}

// RFC 3986, section 5.4: the examples that have a meaning for HTTP.
TEST_CASE("references are resolved against where they were found", "[url]") {
  std::string error;
  const url base = parse_http_url("http://a/b/c/d;p?q", error).value();
  const std::pair<const char*, const char*> rows[] = {
      {"g", "/b/c/g"},
      {"./g", "/b/c/g"},
      {"g/", "/b/c/g/"},
      {"/g", "/g"},
      {"?y", "/b/c/d;p?y"},
      {"g?y", "/b/c/g?y"},
      {"#s", "/b/c/d;p?q"},
      {"g#s", "/b/c/g"},
      {";x", "/b/c/;x"},
      {"", "/b/c/d;p?q"},
      {".", "/b/c/"},
      {"./", "/b/c/"},
      {"..", "/b/"},
      {"../g", "/b/g"},
      {"../..", "/"},
      {"../../g", "/g"},
      {"../../../g", "/g"},
      {"/./g", "/g"},
      {"/../g", "/g"},
      {"g.", "/b/c/g."},
      {"./g/.", "/b/c/g/"},
      {"g/../h", "/b/c/h"},
      {"g?y/../x", "/b/c/g?y/../x"},
      {"g;x=1/../y", "/b/c/y"},
  };
  for (const auto& [reference, target] : rows) {
    INFO(reference);
    const auto resolved = resolve_reference(base, reference, error);
    REQUIRE(resolved.has_value());
    CHECK(resolved->host == "a");
    CHECK(resolved->target == target);
  }
  const auto other = resolve_reference(base, "//h:9/x", error);
  REQUIRE(other.has_value());
  CHECK(other->authority() == "h:9");
  CHECK_FALSE(is_same_origin(base, *other));
  CHECK(resolve_reference(base, "wss://h/", error)->secure);
  CHECK(is_same_origin(base, resolve_reference(base, "HTTP://A:80/z", error).value()));
  CHECK_FALSE(is_same_origin(base, resolve_reference(base, "https://a:80/", error).value()));
  for (const char* bad : {"mailto:a@b", "https://", "//", "x y", "\r\n", "ftp://h/"}) {
    INFO(bad);
    CHECK_FALSE(resolve_reference(base, bad, error).has_value());
  }
}

// The form of Node's ws: the socket's path, a colon, what is asked for.
TEST_CASE("Unix-domain sockets take the place of host and port", "[url]") {
  std::string error;
  const auto plain = parse_url("ws+unix:/run/feed.sock", error);
  REQUIRE(plain.has_value());
  CHECK(plain->socket == "/run/feed.sock");
  CHECK(plain->target == "/");
  CHECK(plain->authority() == "localhost");
  CHECK_FALSE(plain->secure);
  const auto longer = parse_url("WS+UNIX:///run/feed.sock:/a?b:c", error);
  REQUIRE(longer.has_value());
  CHECK(longer->socket == "/run/feed.sock");
  CHECK(longer->target == "/a?b:c");
  CHECK_FALSE(is_same_origin(*plain, parse_url("ws://localhost", error).value()));
  CHECK(resolve_reference(*longer, "/c", error)->socket == "/run/feed.sock");
  CHECK(resolve_reference(*longer, "ws://h/", error)->socket.empty());
  const std::string too_long = "ws+unix:/" + std::string(107, 'x');
  for (const char* bad : {"ws+unix:", "ws+unix:run/x", "ws+unix://run/x", "ws+unix:/x:", "ws+unix:/x:y",
                          "ws+unix:/x:/#f", "ws+unix:/x y", "wss+unix:/x", too_long.c_str()}) {
    INFO(bad);
    CHECK_FALSE(parse_url(bad, error).has_value());
    CHECK_FALSE(error.empty());
  }
}

}  // namespace duplexd::config
