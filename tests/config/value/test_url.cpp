#include "config/value/url.hpp"
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
      // A zone is this machine's own (RFC 6874, 4).
      {"ws://[fe80::1%25eth0]", false, "fe80::1%eth0", 80, "/", "[fe80::1]"},
      {"ws://[fe80::1%eth0]:81", false, "fe80::1%eth0", 81, "/", "[fe80::1]:81"},
      {"ws://[fe80::1%25a%2Db%2525]", false, "fe80::1%a-b%25", 80, "/", "[fe80::1]"},
      {"ws://[fe80::1%25]", false, "fe80::1%25", 80, "/", "[fe80::1]"},
      // Names in other scripts, as DNS knows them (RFC 5891).
      {"wss://b\xc3\xbc"
       "cher.example/",
       true, "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"},
      {"wss://B\xc3\x9c"
       "CHER.example:9",
       true, "xn--bcher-kva.example", 9, "/", "xn--bcher-kva.example:9"},
      {"wss://bu\xcc\x88"
       "cher.example/",
       true, "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"},
      {"wss://fa\xc3\x9f.de/", true, "xn--fa-hia.de", 443, "/", "xn--fa-hia.de"},
      {"wss://xn--bcher-kva.example/", true, "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"},
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
                           "wss://h\xC3/",
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
  CHECK(error == "a URL must start with https:// or http://");
  CHECK_FALSE(parse_url("https://h", error).has_value());
  CHECK(error == "a URL must start with wss:// or ws://");
}

TEST_CASE("a host and a port are read and written", "[url]") {
  const std::pair<const char*, const char*> rows[] = {{"h:1", "h"},
                                                      {"10.0.0.1:80", "10.0.0.1"},
                                                      {"a-b.example:65535", "a-b.example"},
                                                      {"[::1]:514", "::1"},
                                                      {"[fe80::1%eth0]:514", "fe80::1%eth0"}};
  for (const auto& [text, host] : rows) {
    INFO(text);
    std::string error;
    const auto read = parse_host_port(text, error);
    REQUIRE(read.has_value());
    CHECK(read->host == host);
    CHECK_FALSE(read->secure);
    CHECK(host_port_text(*read) == text);
  }
  for (const char* text : {"", "h", "h:", "h:0", "h:65536", ":1", "h:1/", "http://h:1", "::1:514", "[::1]",
                           "a b:1", "u@h:1", "h:1 "}) {
    INFO(text);
    std::string error;
    CHECK_FALSE(parse_host_port(text, error).has_value());
    CHECK_FALSE(error.empty());
  }
  std::string error;
  CHECK_FALSE(parse_host_port("h", error).has_value());
  CHECK(error == "the port is missing: write HOST:PORT");
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
  CHECK(other->target == "/x");
  CHECK(resolve_reference(base, "wss://h/", error)->secure);
  for (const char* bad : {"mailto:a@b", "https://", "//", "x y", "\r\n", "ftp://h/"}) {
    INFO(bad);
    CHECK_FALSE(resolve_reference(base, bad, error).has_value());
  }
}

// What a reference does not name it has from its base, but for the port: that is the scheme's.
TEST_CASE("a reference without a scheme keeps the base's, and no more than that", "[url]") {
  std::string error;
  const url open = parse_http_url("http://a:8080/x", error).value();
  const url secure = parse_http_url("https://a:8443/x", error).value();
  CHECK(resolve_reference(open, "//b/", error)->port == 80);
  CHECK(resolve_reference(secure, "//b/", error)->port == 443);
  CHECK_FALSE(resolve_reference(open, "//b/", error)->secure);
  CHECK(resolve_reference(secure, "//b/", error)->secure);
  CHECK(resolve_reference(secure, "//b:9", error)->port == 9);
  CHECK(resolve_reference(secure, "//b", error)->target == "/");
  CHECK(resolve_reference(secure, "//b?q", error)->target == "/?q");
  CHECK(resolve_reference(secure, "/y", error)->port == 8443);
  CHECK(resolve_reference(secure, "y", error)->host == "a");
  const url socket = parse_url("ws+unix:/run/s:/x", error).value();
  CHECK(resolve_reference(socket, "//b/", error)->socket.empty());
  CHECK(resolve_reference(socket, "//b/", error)->host == "b");
  CHECK(resolve_reference(socket, "y", error)->socket == "/run/s");
  CHECK(resolve_reference(open, "WS://b/", error)->port == 80);
  CHECK(resolve_reference(open, "wss://b/", error)->port == 443);
  CHECK(resolve_reference(open, "https://b/", error)->secure);
  CHECK(resolve_reference(open, "a/b:c", error)->target == "/a/b:c");
  CHECK(resolve_reference(open, "?b:c", error)->target == "/x?b:c");
  CHECK(resolve_reference(open, "/b:c", error)->target == "/b:c");
  CHECK(resolve_reference(open, "y?a/../b", error)->target == "/y?a/../b");
  const url query = parse_http_url("http://a/b/c?d/e", error).value();
  CHECK(resolve_reference(query, "y", error)->target == "/b/y");
  CHECK(resolve_reference(query, "?z", error)->target == "/b/c?z");
}

// Each differs from the first in one thing.
TEST_CASE("an origin is read without a path, of links and of documents", "[url]") {
  std::string error;
  for (const char* good : {"wss://H", "https://h:443", "https://h/", "WSS://h"}) {
    const auto parsed = parse_origin(good, error);
    INFO(good << ": " << error);
    REQUIRE(parsed);
    CHECK(is_same_origin(*parsed, parse_url("wss://h/x", error).value()));
  }
  for (const char* good : {"ws://[::1]:8080", "http://[::1]:8080"}) {
    const auto parsed = parse_origin(good, error);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->secure);
    CHECK(parsed->authority() == "[::1]:8080");
  }
  const auto why = [&](const char* text) {
    CHECK_FALSE(parse_origin(text, error));
    return error;
  };
  const std::string path = "an origin has a scheme, a host and perhaps a port, and no path";
  CHECK(why("wss://h/a") == path);
  CHECK(why("https://h?a") == path);
  const std::string scheme = "an origin must start with wss://, https://, ws:// or http://";
  for (const char* bad : {"", "h", "h:443", "ftp://h", "ws+unix:/run/s", "*"}) CHECK(why(bad) == scheme);
  CHECK(why("wss://") == "the host is missing");
  CHECK(why("https://h:0") == "the port is not a number from 1 to 65535");
}

TEST_CASE("an origin is scheme, host, port and socket", "[url]") {
  std::string error;
  const url base = parse_url("wss://h:9/x", error).value();
  CHECK(is_same_origin(base, parse_url("WSS://H:9/y?z", error).value()));
  CHECK_FALSE(is_same_origin(base, parse_url("ws://h:9/x", error).value()));
  CHECK_FALSE(is_same_origin(base, parse_url("wss://i:9/x", error).value()));
  CHECK_FALSE(is_same_origin(base, parse_url("wss://h:8/x", error).value()));
  CHECK_FALSE(is_same_origin(base, parse_url("wss://h/x", error).value()));
  url socket = base;
  socket.socket = "/run/s";
  CHECK_FALSE(is_same_origin(base, socket));
  CHECK(is_same_origin(parse_url("wss://h", error).value(), parse_url("wss://h:443", error).value()));
  CHECK(is_same_origin(parse_url("ws://h", error).value(), parse_url("ws://h:80", error).value()));
}

TEST_CASE("a URL is written without what it asks for", "[url]") {
  std::string error;
  CHECK(parse_url("wss://h/a/b?c", error)->without_query("ws") == "wss://h/a/b");
  CHECK(parse_url("ws://h:81/a", error)->without_query("http") == "http://h:81/a");
  CHECK(parse_url("ws://[::1]/", error)->without_query("ws") == "ws://[::1]/");
  CHECK(parse_url("ws://h:443", error)->authority() == "h:443");
  CHECK(parse_url("wss://h:80", error)->authority() == "h:80");
  CHECK(parse_url("wss://h:443", error)->authority() == "h");
}

// Each refusal by its reason: the text before it differs in one thing and is good.
TEST_CASE("each reason to refuse a URL", "[url]") {
  const auto reason = [](const std::string& text) {
    std::string error;
    const auto parsed = parse_url(text, error);
    CHECK(parsed.has_value() == error.empty());
    return error;
  };
  const std::string plain =
      "spaces, control characters and non-ASCII characters are not allowed in a URL: percent-encode them";
  const std::string port = "the port is not a number from 1 to 65535";
  CHECK(reason("wss://h:1/").empty());
  CHECK(reason("wss://h:65535/").empty());
  for (const char* bad : {"wss://h:0/", "wss://h:65536/", "wss://h:/", "wss://h:x/", "wss://h:1x/",
                          "wss://h:+1/", "wss://h:-1/", "wss://[::1]:0/", "wss://[::1]:/"}) {
    INFO(bad);
    CHECK(reason(bad) == port);
  }
  CHECK(reason("wss://h-1_.Zz09/").empty());
  for (const char* bad :
       {"wss://a,b/", "wss://a+b/", "wss://a%20b/", "wss://a[b/", "wss://a`b", "wss://a{b"}) {
    INFO(bad);
    CHECK(reason(bad) == "the host contains a character not allowed in host names");
  }
  CHECK(reason("wss://:1/") == "the host is missing");
  CHECK(reason("wss:///x") == "the host is missing");
  CHECK(reason("wss://h/a@b").empty());
  CHECK(reason("wss://a@b/") == "a user name or password in the URL is not supported: use headers");
  CHECK(reason("wss://1::2/") == "an IPv6 address must be in [ ]");
  CHECK(reason("wss://[::1]").empty());
  CHECK(reason("wss://[::ffff:1.2.3.4]").empty());
  CHECK(reason("wss://[1:2:3:4:5:6:ABCD:ef]").empty());
  CHECK(reason("wss://[::1") == "the address's ']' is missing");
  for (const char* bad : {"wss://[]/", "wss://[a]/", "wss://[a:b]/", "wss://[::g]/", "wss://[1.2.3.4]/"}) {
    INFO(bad);
    CHECK(reason(bad) == "the text in [ ] is not an IPv6 address");
  }
  for (const char* bad : {"wss://[fe80::1%]", "wss://[fe80::1%25a%2]", "wss://[fe80::1%25a%zz]",
                          "wss://[fe80::1%25a%00b]", "wss://[fe80::1%25%20]"}) {
    INFO(bad);
    CHECK(reason(bad) == "the address's zone is missing or not valid: write [fe80::1%25eth0]");
  }
  for (const char* bad : {"wss://\xff.example/", "wss://\xe2\x80\xae.example/"}) {
    INFO(bad);
    CHECK(reason(bad).starts_with("the host is not a valid name: "));
  }
  CHECK(reason("wss://b\xc3\xbc cher/") == plain);
  CHECK(reason("wss://[::1]x") == "only a port or a path may follow ']'");
  CHECK(reason("wss://h/!~").empty());
  for (const char* bad : {"wss://h/ ", "wss://h/\x7f", "wss://h/\x1f", "wss://h/\x80"})
    CHECK(reason(bad) == plain);
  CHECK(reason("wss://h/%23").empty());
  CHECK(reason("wss://h/#") == "a fragment ('#') is never sent: remove it from the URL");
  CHECK(reason("h") == "a URL must start with wss:// or ws://");
  CHECK(reason("ws:/h") == "a URL must start with wss:// or ws://");
  CHECK(reason("wsx://h") == "a URL must start with wss:// or ws://");
  CHECK(reason("ws+unix:/x y") == plain);
  const std::string path =
      "ws+unix: must be followed by the socket's absolute path, ':' and the request path";
  CHECK(reason("ws+unix:x") == path);
  CHECK(reason("ws+unix://x") == path);
  CHECK(reason("ws+unix:") == path);
  CHECK(reason("ws+unix:///x").empty());
  CHECK(reason("ws+unix:////x") == path);
  CHECK(reason("ws+unix:/" + std::string(106, 'x')).empty());
  CHECK(reason("ws+unix:/" + std::string(107, 'x')) ==
        "the socket's path is longer than 107 bytes, the system's limit");
  const std::string asked =
      "the socket's path must be followed by ':' and the request path, which starts with / and has no "
      "fragment";
  CHECK(reason("ws+unix:/x:/y").empty());
  CHECK(reason("ws+unix:/x:") == asked);
  CHECK(reason("ws+unix:/x:y") == asked);
  CHECK(reason("ws+unix:/x:/y#z") == asked);
}

TEST_CASE("dots in a path lead up, and not beyond its start", "[url]") {
  std::string error;
  const url base = parse_http_url("http://a/b", error).value();
  const std::pair<const char*, const char*> rows[] = {
      {"/x/./y", "/x/y"},    {"/x/../y", "/y"},    {"/x/y/..", "/x/"}, {"/x/y/.", "/x/y/"},
      {"/..", "/"},          {"/.", "/"},          {"/x/..?q", "/?q"}, {"/x/.../y", "/x/.../y"},
      {"/x//y", "/x//y"},    {"/x/..y", "/x/..y"}, {"/x/.y", "/x/.y"}, {"/../../x", "/x"},
      {"/a/b/../../c", "/c"}};
  for (const auto& [reference, target] : rows) {
    INFO(reference);
    CHECK(resolve_reference(base, reference, error)->target == target);
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
  CHECK(plain->port == 80);
  CHECK(plain->host == "localhost");
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
