#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "daemon/net/make_http_client.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"

// What tests of the HTTP client fetch with.
namespace duplexd::net::test {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline http_request request_for(const std::string& url, const std::string& ca_file = {}) {
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

inline std::string local(const std::string& scheme, std::uint16_t port, const std::string& target = "/") {
  return scheme + "://localhost:" + std::to_string(port) + target;
}

inline http_response must_fetch(asio::io_context& loop, http_request what) {
  const auto client = make_http_client(loop);
  auto result = run(loop, client->fetch(std::move(what)));
  if (const auto* failed = std::get_if<fault>(&result)) FAIL(failed->cause);
  return std::get<http_response>(std::move(result));
}

inline fault must_fail(asio::io_context& loop, http_request what) {
  const auto client = make_http_client(loop);
  auto result = run(loop, client->fetch(std::move(what)));
  REQUIRE(std::holds_alternative<fault>(result));
  return std::get<fault>(std::move(result));
}

}  // namespace duplexd::net::test
