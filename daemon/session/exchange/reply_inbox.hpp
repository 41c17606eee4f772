#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd {

/// A reply as steps see it.
struct arrived_reply {
  std::uint64_t number = 0;  ///< replies are counted as they come
  std::string name;
  nlohmann::ordered_json data;
};

/// What a step waits for.
struct wanted_reply {
  std::vector<std::string> names;                                       ///< any of them
  nlohmann::ordered_json where;                                         ///< see config::matches
  std::vector<std::pair<std::string, nlohmann::ordered_json>> equal{};  ///< path, value: correlation
  std::uint64_t since = 0;                                              ///< no reply with a lower number

  [[nodiscard]] bool fits(const std::string& name, const nlohmann::ordered_json& data) const;
};

/// Where the receiver leaves replies for whoever waits for them. A reply is given to one waiter only;
/// observers see every one. One inbox for each link.
class reply_inbox {
 public:
  /// More replies than this that nobody took: the oldest are forgotten.
  static constexpr std::size_t capacity = 256;

  /// Sees the packet with its values; what it refers to is gone when the observer returns.
  using observer = std::function<void(const arrived_reply&, const protocol::packet&)>;

  /// Only replies of these names are unpacked for steps; the others cost next to nothing.
  reply_inbox(const asio::any_io_executor& loop, clock& time, const protocol::protocol& types,
              const std::set<std::string>& names);

  /// Sees each reply of the names given above, before any waiter. For the life of the inbox.
  void observe(observer who) { observers_.push_back(std::move(who)); }

  /// The receiver has found a packet.
  void offer(const protocol::packet& packet);

  /// The number that the next reply will have.
  [[nodiscard]] std::uint64_t next_number() const noexcept { return next_; }

  /// The first reply that fits, taken out of the inbox. Empty when the deadline has passed or the caller was
  /// cancelled.
  asio::awaitable<std::optional<arrived_reply>> take(const wanted_reply& what, clock::time_point deadline);

 private:
  std::optional<arrived_reply> find(const wanted_reply& what);

  clock& time_;
  std::vector<const protocol::message_type*> kept_;
  std::vector<observer> observers_;
  std::list<arrived_reply> replies_;
  std::uint64_t next_ = 1;
  notifier offered_;
};

}  // namespace duplexd
