#include <map>

#include "config/proxy.hpp"
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

}  // namespace duplexd::config
