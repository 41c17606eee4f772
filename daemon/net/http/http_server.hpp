#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/value/listen_address.hpp"
#include "daemon/net/http/request_reader.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd::net {

/// A request, and who sent it.
struct served_request {
  request_head head;
  std::string body;
  std::string path;   ///< of the target: "/metrics"
  std::string query;  ///< what stands behind its `?`
  std::string who;    ///< "127.0.0.1", or "uid 0, pid 12" of a Unix-domain socket
};

/// What a stream of an answer's body is written with. Valid while its writer runs.
class answer_stream {
 public:
  answer_stream(tcp_connection& to, bool chunked) : to_(to), chunked_(chunked) {}

  /// Queues a piece of the body, which leaves at the end of this turn of the loop.
  void write(std::string_view piece);

  /// Bytes that the kernel has not taken.
  [[nodiscard]] std::size_t unsent() const noexcept { return to_.unsent(); }

  /// Suspends until it has taken all. Returns early when cancelled, and when the client is gone.
  asio::awaitable<void> wait_sent();

 private:
  tcp_connection& to_;
  bool chunked_;
};

struct served_answer {
  /// Writes the body, until it returns or is cancelled because the client is gone.
  using writer = std::function<asio::awaitable<void>(answer_stream&)>;

  unsigned status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  writer stream{};  ///< instead of `body`
};

/// `{"error": text}`.
[[nodiscard]] served_answer refuse(unsigned status, std::string_view text);

/// Why a web page may be behind this request; nothing if none can be. A page has an Origin, or it calls us by
/// a name of its own, which it made to mean our address (DNS rebinding): only IP addresses, `localhost` and
/// `hosts` are names of ours. `own_pages`: pages that were got from here, by the same name, may ask.
[[nodiscard]] std::optional<served_answer> refusal_of(const request_head& request,
                                                      const std::vector<std::string>& hosts,
                                                      bool own_pages = false);

/// How much clients may ask of a server, and how long they may take.
struct server_limits {
  request_limits size{};
  std::size_t connections = 64;
  std::chrono::milliseconds idle{60'000};     ///< without the first byte of a request
  std::chrono::milliseconds request{10'000};  ///< from its first byte to its last
  std::chrono::milliseconds answer{
      30'000};             ///< for the kernel to take a whole answer, or a piece of a stream
  bool own_pages = false;  ///< it serves pages, which may ask in turn
};

/// A small HTTP/1.1 server, for operators and monitoring: no TLS, no pages of others. Everything that clients
/// can fill is bounded: who is too slow, or one too many, is dropped. Used from the loop's thread.
class http_server {
 public:
  using handler = std::function<asio::awaitable<served_answer>(const served_request&)>;

  http_server(asio::io_context& loop, std::vector<std::string> hosts, server_limits limits, handler handle);

  /// Begins to listen; says why if it cannot. The address tells the port, if any was asked for.
  [[nodiscard]] std::optional<std::string> listen(config::listen_address& address);

  /// On a Unix-domain socket with this mode; one that nobody listens on any more is replaced.
  [[nodiscard]] std::optional<std::string> listen(const std::string& path, mode_t mode);

  /// On a Unix-domain socket that listens already; it is closed, and its path stays.
  void listen(int handle);

  /// Serves until it is cancelled; then the sockets are closed.
  asio::awaitable<void> run();

  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

 private:
  using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, loop_executor>;

  asio::awaitable<int> accept_all(acceptor& at);
  asio::awaitable<int> serve(std::shared_ptr<tcp_connection> client, std::string who);
  asio::awaitable<bool> serve_next(const std::shared_ptr<tcp_connection>& client, const std::string& who);
  asio::awaitable<void> read(const std::shared_ptr<tcp_connection>& client, request_reader& reader);
  asio::awaitable<served_answer> answer_to(request_reader& reader, const std::string& who);
  asio::awaitable<void> stream(const std::shared_ptr<tcp_connection>& client,
                               const served_answer::writer& writer, bool chunked);

  asio::io_context& loop_;
  std::vector<std::string> hosts_;
  server_limits limits_;
  handler handle_;
  std::list<acceptor> acceptors_;
  std::vector<std::string> sockets_;  ///< paths, to be removed
  std::size_t connections_ = 0;
  task_group<int> tasks_;
};

}  // namespace duplexd::net
