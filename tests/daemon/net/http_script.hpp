#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/tls/tls_engine.hpp"
#include "tests/daemon/net/test_server.hpp"

namespace duplexd::net::test {

/// An HTTP server that answers each request with what a script makes of it, and remembers what it was asked.
/// A request's body is as long as its Content-Length says.
class http_script {
 public:
  using script = std::function<std::string(const std::string& request)>;

  /// With `end` it ends the connection behind the answer; else it waits for the client to do so.
  http_script(asio::io_context& loop, script answer, bool end = true, tls_context tls = nullptr)
      : server_(loop,
                [this, answer = std::move(answer), end, tls](std::shared_ptr<tcp_connection> connection) {
                  return serve(std::move(connection), answer, end, tls);
                }) {}

  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }

 private:
  asio::awaitable<void> serve(std::shared_ptr<tcp_connection> connection, script answer, bool end,
                              tls_context tls) {
    if (tls) {
      auto engine = std::make_unique<tls_engine>(tls);
      const bool done = co_await connection->start_tls(std::move(engine));
      if (!done) co_return;
    }
    std::string request;
    while (!is_whole(request) && !connection->end_cause()) {
      const auto got = connection->received();
      request.append(reinterpret_cast<const char*>(got.data()), got.size());
      connection->consume(got.size());
      if (is_whole(request)) break;
      co_await connection->wait_readable();
      connection->fill();
    }
    requests_.push_back(request);
    const std::string text = answer(request);
    connection->cork().append(text.data(), text.size());
    connection->flush();
    co_await connection->wait_sent();
    if (end) co_await connection->finish(std::chrono::seconds(2));
    while (!connection->end_cause()) {
      co_await connection->wait_readable();
      connection->fill();
    }
  }

  static bool is_whole(const std::string& request) {
    const auto head = request.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const auto at = request.find("Content-Length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
    return request.size() >= head + 4 + length;
  }

  std::vector<std::string> requests_;
  test_server server_;
};

/// A whole answer with a body.
[[nodiscard]] inline std::string http_answer(const std::string& status, const std::string& body = {},
                                             const std::string& headers = {}) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

/// A redirect.
[[nodiscard]] inline std::string redirect_to(const std::string& status, const std::string& location) {
  return http_answer(status, "", "Location: " + location + "\r\n");
}

}  // namespace duplexd::net::test
