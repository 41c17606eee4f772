#include "daemon/link/stream_dialer.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <memory>
#include <tuple>
#include <utility>

#include "daemon/net/connect/connector.hpp"
#include "daemon/net/make_stream_dialer.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

// How often the kernel is asked whether all is acknowledged: it does not say so by itself.
constexpr std::chrono::milliseconds shortest_pause{1};
constexpr std::chrono::milliseconds longest_pause{50};
// How long a server that asked for our certificate may take to refuse it once the handshake is over for us.
constexpr std::chrono::seconds judgement{1};

/// Until the connection ends or is given up.
asio::awaitable<void> read_on(std::shared_ptr<tcp_connection> connection) {
  while (!connection->end_cause()) {
    co_await connection->wait_readable();
    connection->fill();
    connection->consume(connection->received().size());
  }
  connection->wake_sender();
}

class socket_stream final : public sending_stream {
 public:
  explicit socket_stream(std::shared_ptr<tcp_connection> connection) : connection_(std::move(connection)) {
    asio::co_spawn(connection_->get_executor(), read_on(connection_), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }
  ~socket_stream() override { connection_->abort(); }

  [[nodiscard]] std::string end_cause() const override { return connection_->end_cause().value_or(""); }

  /// Suspends until the connection ends or `judgement` has passed.
  asio::awaitable<void> wait_for_judgement() {
    const auto state = co_await asio::this_coro::cancellation_state;
    const auto end = tcp_connection::clock::now() + judgement;
    loop_timer timer(connection_->get_executor());
    while (!connection_->end_cause() && !is_cancelled(state) && tcp_connection::clock::now() < end) {
      timer.expires_after(longest_pause);
      std::ignore = co_await timer.async_wait(as_value);
    }
  }

  asio::awaitable<std::string> send(std::string bytes, std::chrono::milliseconds limit) override {
    const auto state = co_await asio::this_coro::cancellation_state;
    const deadline guard(connection_, limit);
    loop_timer timer(connection_->get_executor());
    auto pause = shortest_pause;
    connection_->cork().append(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    connection_->flush();
    while (!connection_->end_cause() && !is_cancelled(state)) {
      if (connection_->unsent() != 0 || connection_->send_failed()) {
        co_await connection_->wait_sent();  // after a failure the reader finds the cause
        continue;
      }
      if (connection_->sending().pending == 0) break;
      timer.expires_after(pause);
      std::ignore = co_await timer.async_wait(as_value);
      pause = std::min(2 * pause, longest_pause);
    }
    if (guard.expired()) co_return "the peer did not take what was sent within " + duration_text(limit);
    if (is_cancelled(state)) co_return "it was given up";
    co_return end_cause();
  }

 private:
  std::shared_ptr<tcp_connection> connection_;
};

class socket_stream_dialer final : public stream_dialer {
 public:
  explicit socket_stream_dialer(asio::io_context& loop) : connector_(loop) {}

  asio::awaitable<stream_result> open(server_request to) override {
    to.resumes_tls = false;  // who resumes is not asked for a certificate, and may be refused all the same
    auto opened = co_await connector_.open(to);
    if (auto* failed = std::get_if<fault>(&opened)) co_return std::move(*failed);
    const auto connection = std::get<std::shared_ptr<tcp_connection>>(std::move(opened));
    auto stream = std::make_unique<socket_stream>(connection);
    if (connection->judges_us()) co_await stream->wait_for_judgement();
    const auto end = connection->judges_us() ? connection->end_cause() : std::nullopt;
    if (!end) co_return std::move(stream);
    const std::string words = connection->tls_failed() ? "" : " after it asked for a client certificate";
    co_return make_fault(config::fault_class::tls, "TLS: " + *end + words);
  }

 private:
  connector connector_;
};

}  // namespace
}  // namespace duplexd::net

namespace duplexd {

std::unique_ptr<stream_dialer> make_stream_dialer(asio::io_context& loop) {
  return std::make_unique<net::socket_stream_dialer>(loop);
}

}  // namespace duplexd
