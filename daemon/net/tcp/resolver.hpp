#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/link/fault.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// The addresses of a name, in the system's order of preference, without repetition; or why there are none.
using resolve_result = std::variant<std::vector<asio::ip::address>, fault>;

/// What a thread beside the loop does for a name. Blocks. Must not touch anything of the loop's.
using lookup_function = std::function<resolve_result(const std::string& host)>;

/// The system's: getaddrinfo.
[[nodiscard]] resolve_result lookup_host(const std::string& host);

/// Looks names up beside the loop: each on a thread that does nothing else meanwhile, at most `most_threads`
/// at once, so that a slow name holds nobody else up. Threads are started when needed, used again, and gone
/// when there was nothing to do for a while. Sessions that ask for the same name at the same time share one
/// look-up. An answer that comes too late, even after the resolver is gone, is dropped.
class resolver {
 public:
  explicit resolver(asio::io_context& loop, lookup_function lookup = &lookup_host,
                    std::size_t most_threads = 32);
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// Does not throw. Cancellable (`cancelled()`).
  asio::awaitable<resolve_result> resolve(std::string host, std::chrono::milliseconds limit);

 private:
  struct flight;
  struct mailbox;
  void start_waiting();
  void start_look_up(const std::string& host);
  static void work(const std::shared_ptr<mailbox>& box, const lookup_function& lookup);
  void land(const std::string& host, const resolve_result& result);

  asio::io_context& loop_;
  lookup_function lookup_;
  std::size_t most_threads_;
  std::size_t running_ = 0;
  std::map<std::string, std::shared_ptr<flight>> flights_;
  std::deque<std::string> waiting_;  ///< names for which no thread is free
  std::shared_ptr<mailbox> mailbox_;
};

}  // namespace duplexd::net
