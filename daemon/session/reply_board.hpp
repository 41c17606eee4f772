#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/async/clock.hpp"
#include "daemon/async/notifier.hpp"
#include "protocol/protocol.hpp"

namespace duplexd {

/// Where the receiver leaves replies for the sender. A step may wait for a reply that came since the last
/// send, before the step itself began or after. One for each link.
class reply_board {
 public:
  /// More replies than this between two sends: the oldest are forgotten.
  static constexpr std::size_t capacity = 256;

  /// Only replies of these names are kept; the others cost next to nothing.
  reply_board(const asio::any_io_executor& loop, clock& time, const protocol::protocol& types,
              const std::set<std::string>& names);

  /// The receiver has unpacked a reply.
  void offer(const protocol::packet& packet);

  /// A command leaves: what came before it can't be its answer.
  void forget() { replies_.clear(); }

  /// The next reply of that name, each given once. Empty when the deadline has passed or the caller was
  /// cancelled.
  asio::awaitable<std::optional<nlohmann::ordered_json>> take(std::string name, clock::time_point deadline);

 private:
  struct reply {
    std::string name;
    nlohmann::ordered_json data;
  };
  std::optional<nlohmann::ordered_json> find(const std::string& name);
  asio::awaitable<nlohmann::ordered_json> wait(std::string name);

  asio::any_io_executor loop_;
  clock& time_;
  std::vector<const protocol::message_type*> kept_;
  std::deque<reply> replies_;
  notifier offered_;
};

}  // namespace duplexd
