#include "config/value/listen_address.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

TEST_CASE("an address to listen on is an IP address and a port", "[listen_address]") {
  struct row {
    const char* text;
    const char* host;
    int port;
  };
  const row good[] = {{"127.0.0.1:9100", "127.0.0.1", 9100},
                      {"0.0.0.0:0", "0.0.0.0", 0},
                      {"[::1]:65535", "::1", 65535},
                      {"[::]:1", "::", 1}};
  for (const row& each : good) {
    std::string error;
    const auto address = parse_listen_address(each.text, error);
    INFO(each.text << ": " << error);
    REQUIRE(address);
    CHECK(address->host == each.host);
    CHECK(address->port == each.port);
    CHECK(text_of(*address) == each.text);
  }
  for (const char* text : {"", ":", "9100", ":9100", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:9100x", "127.0.0.1: 9100", "localhost:9100", "::1:9100",
                           "[::1]", "[::1]9100", "[127.0.0.1]:9100", "[]:9100", "127.1:9100", "*:9100"}) {
    std::string error;
    INFO(text);
    CHECK_FALSE(parse_listen_address(text, error));
    CHECK(error.find("is not an IP address and a port, such as 127.0.0.1:9100") != std::string::npos);
  }
}

}  // namespace duplexd::config
