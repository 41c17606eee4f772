#include "daemon/net/tcp/happy_eyeballs.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

using clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr std::chrono::milliseconds stagger{250};

struct attempt {
  tcp_socket socket;
  asio::ip::tcp::endpoint to;
  std::optional<error_code> failure;
};

/// The attempts and their outcome. Shared with the handlers, which may still come after the race was left.
struct race {
  explicit race(const loop_executor& loop) : news(loop) {}
  loop_timer news;
  std::vector<std::unique_ptr<attempt>> attempts;
  attempt* winner = nullptr;
  bool changed = false;

  [[nodiscard]] bool any_pending() const {
    return std::any_of(attempts.begin(), attempts.end(), [](const auto& a) { return !a->failure; });
  }
  void close_all() {
    error_code ignored;
    for (auto& each : attempts) each->socket.close(ignored);
  }
};

void start(const std::shared_ptr<race>& running, const loop_executor& loop,
           const asio::ip::tcp::endpoint& to) {
  auto& added = *running->attempts.emplace_back(std::make_unique<attempt>(attempt{tcp_socket(loop), to, {}}));
  error_code failed;  // connecting opens it again and finds out
  added.socket.open(to.protocol(), failed);
  if (!failed) close_on_exec(added.socket.native_handle());
  added.socket.async_connect(to, [running, &added](const error_code& error) {
    if (error) {
      added.failure = error;
    } else if (running->winner == nullptr) {
      running->winner = &added;
    }
    running->changed = true;
    running->news.cancel();
  });
}

std::string reason_text(const attempt& each) {
  if (!each.failure) return "no answer from ";
  if (*each.failure == asio::error::connection_refused) return "connection refused by ";
  if (*each.failure == asio::error::timed_out) return "no answer from ";
  if (*each.failure == asio::error::host_unreachable) return "no route to ";
  if (*each.failure == asio::error::network_unreachable) return "network unreachable for ";
  if (*each.failure == asio::error::no_descriptors)
    return "no file descriptor left (raise LimitNOFILE or ulimit -n) for ";
  return each.failure->message() + " for ";
}

fault all_failed(const race& ended, bool late, std::chrono::milliseconds limit) {
  std::string cause;
  for (const auto& each : ended.attempts) {
    cause += (cause.empty() ? "" : "; ") + reason_text(*each) + endpoint_text(each->to);
  }
  if (late) cause += " within " + duration_text(limit);
  return make_fault(config::fault_class::connect, cause);
}

}  // namespace

std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

std::vector<asio::ip::address> interleave(const std::vector<asio::ip::address>& addresses) {
  std::vector<asio::ip::address> first;
  std::vector<asio::ip::address> second;
  for (const auto& each : addresses)
    (each.is_v6() == addresses.front().is_v6() ? first : second).push_back(each);
  std::vector<asio::ip::address> mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

asio::awaitable<connect_result> connect_any(loop_executor loop, std::vector<asio::ip::address> addresses,
                                            std::uint16_t port, std::chrono::milliseconds limit) {
  const auto running = std::make_shared<race>(loop);
  struct closing {
    race& of;
    ~closing() { of.close_all(); }
  };
  const closing at_end{*running};
  const auto order = interleave(addresses);
  const auto deadline = clock::now() + limit;
  auto next_start = clock::now();
  std::size_t started = 0;
  const auto state = co_await asio::this_coro::cancellation_state;

  while (running->winner == nullptr && clock::now() < deadline) {
    if (is_cancelled(state)) co_return make_fault(config::fault_class::connect, "cancelled");
    const bool more = started < order.size();
    if (more && (!running->any_pending() || clock::now() >= next_start)) {
      start(running, loop, asio::ip::tcp::endpoint(order[started++], port));
      next_start = clock::now() + stagger;
      continue;
    }
    if (!more && !running->any_pending()) break;
    running->changed = false;
    running->news.expires_at(more ? std::min(next_start, deadline) : deadline);
    std::ignore = co_await running->news.async_wait(as_value);
  }
  if (running->winner != nullptr) co_return std::move(running->winner->socket);
  co_return all_failed(*running, running->any_pending(), limit);
}

}  // namespace duplexd::net
