#include <map>

#include "config/value/proxy.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

namespace {

url server(const std::string& text) {
  std::string error;
  return parse_url(text, error).value();
}

proxy_rules from_environment(std::map<std::string, std::string> variables, std::string* why = nullptr) {
  std::string error;
  auto rules = proxies_from_environment([&](const std::string& name) { return variables[name]; }, error);
  if (why != nullptr)
    *why = error;
  else
    CHECK(error.empty());
  return rules;
}

std::string found(const proxy_rules& rules, const std::string& where) {
  const proxy_server* proxy = rules.find(server(where));
  return proxy == nullptr ? "none" : proxy->display();
}

}  // namespace

TEST_CASE("a proxy's URL is taken apart", "[proxy]") {
  std::string error;
  const auto http = parse_proxy("HTTP://proxy.example:3128/", error);
  REQUIRE(http.has_value());
  CHECK_FALSE(http->socks);
  CHECK(http->display() == "http://proxy.example:3128");
  CHECK(parse_proxy("socks5://[::1]:1080", error)->display() == "socks5://[::1]:1080");
  CHECK(parse_proxy("socks5h://h:80", error)->port == 80);
  for (const char* bad : {"", "proxy:3128", "http://proxy", "https://proxy:3128", "socks4://p:1", "http://:1",
                          "http://u:sekret@p:1", "http://p:1/sekret", "http://p:0", "http://[::1]"}) {
    INFO(bad);
    CHECK_FALSE(parse_proxy(bad, error).has_value());
    CHECK_FALSE(error.empty());
    CHECK(error.find("sekret") == std::string::npos);
  }
}

// As curl's manual has it: names by the scheme of the server's URL, small letters first.
TEST_CASE("the environment names proxies as it does for curl", "[proxy]") {
  const auto both = from_environment({{"https_proxy", "http://a:1"}, {"http_proxy", "b"}});
  CHECK(found(both, "wss://h") == "http://a:1");
  CHECK(found(both, "ws://h") == "http://b:1080");
  const auto capitals = from_environment({{"HTTPS_PROXY", "socks5://a:1"}, {"HTTP_PROXY", "http://evil:1"}});
  CHECK(found(capitals, "wss://h") == "socks5://a:1");
  CHECK(found(capitals, "ws://h") == "none");
  const auto all = from_environment({{"ALL_PROXY", "http://a:1"}, {"https_proxy", "http://b:2"}});
  CHECK(found(all, "ws://h") == "http://a:1");
  CHECK(found(all, "wss://h") == "http://b:2");
  CHECK(found(all, "ws+unix:/run/x") == "none");
  CHECK(found(from_environment({{"https_proxy", "http://low:1"}, {"HTTPS_PROXY", "http://up:1"}}),
              "wss://h") == "http://low:1");

  const auto user = from_environment({{"all_proxy", "http://us%40er:p%3Aw:x@p:3128"}});
  REQUIRE(user.secure.has_value());
  CHECK(user.secure->username == "us@er");
  CHECK(user.secure->password == "p:w:x");
  CHECK(user.secure->display() == "http://p:3128");

  std::string why;
  from_environment({{"https_proxy", "https://u:sekret@p:1"}}, &why);
  CHECK(why.starts_with("https_proxy of the environment: "));
  CHECK(why.find("sekret") == std::string::npos);
}

TEST_CASE("no_proxy exempts hosts", "[proxy]") {
  const auto rules = [](const std::string& exempt) {
    return from_environment({{"all_proxy", "http://p:1"}, {"no_proxy", exempt}});
  };
  const auto is_exempt = [&](const std::string& exempt, const std::string& host) {
    return found(rules(exempt), "wss://" + host) == "none";
  };
  CHECK(is_exempt("*", "any.example"));
  CHECK(is_exempt("a.example,b.example", "b.example"));
  CHECK(is_exempt("a.example b.example", "B.Example"));
  CHECK(is_exempt("example", "x.example"));
  CHECK(is_exempt(".example", "x.example"));
  CHECK(is_exempt(".example", "example"));
  CHECK_FALSE(is_exempt("example", "notexample"));
  CHECK_FALSE(is_exempt("x.example", "example"));
  CHECK_FALSE(is_exempt("", "example"));
  CHECK(is_exempt("192.168.0.1", "192.168.0.1"));
  CHECK(is_exempt("10.0.0.0/8,192.168.0.0/23", "192.168.1.9"));
  CHECK_FALSE(is_exempt("10.0.0.0/8,192.168.0.0/23", "192.168.2.9"));
  CHECK_FALSE(is_exempt("10.0.0.0/x,10.0.0.0/33", "10.0.0.1"));
  CHECK(is_exempt("[::1]", "[::1]"));
  CHECK(is_exempt("fe80::/10", "[fe80::1]"));
  CHECK_FALSE(is_exempt("0.1", "192.168.0.1"));
  CHECK(from_environment({{"NO_PROXY", "h"}, {"all_proxy", "http://p:1"}}).exempt.size() == 1);
}

// Each refusal by its reason.
TEST_CASE("each reason to refuse a proxy's URL", "[proxy]") {
  const auto reason = [](const char* text) {
    std::string error;
    const auto parsed = parse_proxy(text, error);
    CHECK(parsed.has_value() == error.empty());
    return error;
  };
  for (const char* good :
       {"http://p:1", "http://p:65535/", "SOCKS5://p:1", "socks5h://p:1", "http://[::1]:1"})
    CHECK(reason(good).empty());
  const std::string scheme = "the proxy's URL must start with http:// or socks5://";
  for (const char* bad : {"", "p:1", "http:p:1", "socks://p:1", "socks5x://p:1", "xhttp://p:1", "://p:1"})
    CHECK(reason(bad) == scheme);
  CHECK(reason("HTTPS://p:1") == "TLS to the proxy is not supported: use http:// or socks5://");
  CHECK(reason("http://u@p:1") ==
        "the proxy's user name and password must be given in their own fields, not in the URL");
  CHECK(reason("http://p:1/x") == "nothing may follow the proxy's host and port");
  CHECK(reason("http://p:1?x") == "nothing may follow the proxy's host and port");
  for (const char* bad : {"http://p", "http://p/", "http://[::1]", "socks5://[::1]/"})
    CHECK(reason(bad) == "the proxy's URL must have a port");
  CHECK(reason("http://p:0") == "the port is not a number from 1 to 65535");
  CHECK(reason("http://:1") == "the host is missing");
}

TEST_CASE("kind and port of a proxy", "[proxy]") {
  std::string error;
  CHECK(parse_proxy("socks5://p:1", error)->socks);
  CHECK(parse_proxy("socks5h://p:1", error)->socks);
  CHECK_FALSE(parse_proxy("http://p:1", error)->socks);
  CHECK(parse_proxy("http://p:80", error)->port == 80);
  CHECK(parse_proxy("http://[::1]:8", error)->host == "::1");
  CHECK(parse_proxy("http://p:1", error)->username.empty());
  const auto of = [](const char* value) { return from_environment({{"https_proxy", value}}).secure.value(); };
  CHECK(of("p").port == 1080);
  CHECK(of("p").display() == "http://p:1080");
  CHECK(of("p:80").port == 80);
  CHECK(of("socks5://p").port == 1080);
  CHECK(of("http://[::1]").port == 1080);
  CHECK(of("http://[::1]:9").port == 9);
  CHECK(of("http://p/").port == 1080);
}

TEST_CASE("user and password of a proxy in the environment", "[proxy]") {
  const auto of = [](const char* value) {
    const proxy_server server = from_environment({{"https_proxy", value}}).secure.value();
    return server.username + "|" + server.password + "|" + server.host;
  };
  CHECK(of("http://u:p@h:1") == "u|p|h");
  CHECK(of("u:p@h:1") == "u|p|h");
  CHECK(of("http://u@h:1") == "u||h");
  CHECK(of("http://u:@h:1") == "u||h");
  CHECK(of("http://@h:1") == "||h");
  CHECK(of("http://a@b:p@h:1") == "a@b|p|h");
  CHECK(of("http://%41%2f:%zz%4@h:1") == "A/|%zz%4|h");
  CHECK(of("http://%41:p%41@h:1") == "A|pA|h");
  CHECK(of("http://u:p%4g%@h:1") == "u|p%4g%|h");
}

TEST_CASE("a variable that cannot be read is named, and those behind it are not looked at", "[proxy]") {
  std::string why;
  const auto rules = from_environment({{"https_proxy", "ftp://p:1"}, {"all_proxy", "http://a:1"}}, &why);
  CHECK(why == "https_proxy of the environment: the proxy's URL must start with http:// or socks5://");
  CHECK_FALSE(rules.secure.has_value());
  CHECK(rules.open.has_value());
  from_environment({{"https_proxy", "a@b://h:1"}}, &why);
  CHECK(why == "https_proxy of the environment: the proxy's URL must start with http:// or socks5://");
  CHECK(found(from_environment({{"all_proxy", "http://a:1"}, {"ALL_PROXY", "http://b:1"}}), "wss://h") ==
        "http://a:1");
  CHECK(found(from_environment({{"HTTPS_PROXY", "http://a:1"}, {"all_proxy", "http://b:1"}}), "wss://h") ==
        "http://a:1");
  CHECK(found(from_environment({{"http_proxy", "http://a:1"}, {"all_proxy", "http://b:1"}}), "ws://h") ==
        "http://a:1");
  CHECK(from_environment({{"no_proxy", "a"}, {"NO_PROXY", "b"}}).exempt == std::vector<std::string>{"a"});
}

TEST_CASE("lists and rules of no_proxy, one difference at a time", "[proxy]") {
  CHECK(from_environment({{"no_proxy", " a,,b\tc , d,"}}).exempt ==
        std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(from_environment({{"no_proxy", ", "}}).exempt.empty());
  const auto is_exempt = [](const std::string& exempt, const std::string& host) {
    return found(from_environment({{"all_proxy", "http://p:1"}, {"no_proxy", exempt}}), "wss://" + host) ==
           "none";
  };
  CHECK(is_exempt("example.", "example"));
  CHECK(is_exempt("example", "example."));
  CHECK(is_exempt("b.c", "a.b.c"));
  CHECK_FALSE(is_exempt("b.c", "ab.c"));
  CHECK_FALSE(is_exempt("a.b.c", "b.c"));
  CHECK_FALSE(is_exempt(".", "example"));
  CHECK_FALSE(is_exempt("examplf", "example"));
  CHECK(is_exempt("10.0.0.1/32", "10.0.0.1"));
  CHECK_FALSE(is_exempt("10.0.0.1/32", "10.0.0.0"));
  CHECK(is_exempt("10.0.0.0/31", "10.0.0.1"));
  CHECK_FALSE(is_exempt("10.0.0.0/31", "10.0.0.2"));
  CHECK(is_exempt("0.0.0.0/0", "1.2.3.4"));
  CHECK(is_exempt("10.128.0.0/9", "10.255.0.1"));
  CHECK_FALSE(is_exempt("10.128.0.0/9", "10.127.0.1"));
  CHECK_FALSE(is_exempt("10.0.0.0/33", "10.0.0.0"));
  CHECK_FALSE(is_exempt("10.0.0.0/", "10.0.0.0"));
  CHECK_FALSE(is_exempt("10.0.0.0/8x", "10.0.0.0"));
  CHECK_FALSE(is_exempt("::/0", "1.2.3.4"));
  CHECK_FALSE(is_exempt("0.0.0.0/0", "[::1]"));
  CHECK(is_exempt("fe80::1/128", "[fe80::1]"));
  CHECK_FALSE(is_exempt("fe80::1/128", "[fe80::2]"));
  CHECK_FALSE(is_exempt("fe80::/129", "[fe80::]"));
  CHECK(is_exempt("fe80::1", "[fe80::1%eth0]"));
  CHECK_FALSE(is_exempt("[::1", "[::1]"));
  CHECK_FALSE(is_exempt("1.2.3.4", "h"));
}

}  // namespace duplexd::config
