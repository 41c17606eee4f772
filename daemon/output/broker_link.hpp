#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd {

/// A connection over which messages are published to a broker. Its calls block, but not for longer than the
/// output's `timeout`; one thread at a time.
class broker_link {
 public:
  using deadline = std::chrono::steady_clock::time_point;

  broker_link() = default;
  broker_link(const broker_link&) = delete;
  broker_link& operator=(const broker_link&) = delete;
  virtual ~broker_link() = default;

  /// Whether there is one. What an idle connection needs is done by that, too: its end is noticed, the broker
  /// is pinged.
  [[nodiscard]] virtual bool is_open() = 0;
  /// Returns why there is none; empty: there is one.
  [[nodiscard]] virtual std::string open() = 0;
  virtual void close() noexcept = 0;

  struct message {
    std::string_view session;  ///< the event's, for the topic
    std::string_view name;
    std::string_view time;
    std::string_view payload;
    std::string id{};  ///< of the event; empty: it has none
  };
  struct sent {
    std::uint64_t key = 0;  ///< what its answer will name
    std::string refusal{};  ///< why it can never be sent
    std::string failed{};   ///< why it cannot be sent now: the connection has to be closed
  };
  [[nodiscard]] virtual sent publish(const message& what) = 0;

  /// What the broker says of messages.
  struct answer {
    std::uint64_t key;
    std::string refusal{};  ///< why it will never take it; empty: it has taken it
  };
  struct answers {
    std::vector<answer> come{};
    std::string failed{};  ///< after these: why the connection has to be closed
  };
  /// Waits until there are some.
  [[nodiscard]] virtual answers wait(deadline until) = 0;
};

}  // namespace duplexd
