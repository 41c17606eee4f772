#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/output/broker_receiver.hpp"

namespace duplexd {

/// A message as it came, or what the server says instead of one.
struct nats_delivery {
  std::string payload{};
  bool is_too_long = false;    ///< then there is no payload
  std::string reply{};         ///< where its sender wants the answer, or its stream the acknowledgement
  std::string id{};            ///< that its publisher gave it
  std::uint64_t sequence = 0;  ///< in its stream; 0: it is of none
  std::int64_t time = 0;       ///< when the stream got it
  std::uint64_t pending = 0;   ///< messages that wait behind it
  std::string status{};        ///< "408 Request Timeout"; empty: it is a message
};

/// Messages on their way from the library's thread to ours. While it is full the library's thread waits, and
/// the library keeps what comes, up to the subscription's limits. All calls are safe from any thread.
class nats_inbox {
 public:
  /// Waits for room. Nothing is taken after `close`.
  void put(nats_delivery what);
  /// Waits for messages, until `wake` or `close`, or for that time.
  [[nodiscard]] std::vector<nats_delivery> take(std::chrono::milliseconds limit);
  void wake();
  void close();

 private:
  [[nodiscard]] bool is_full() const noexcept {
    return waiting_.size() >= broker_receiver::most_messages || bytes_ >= broker_receiver::most_bytes;
  }

  std::mutex mutex_;  ///< of all that follows
  std::condition_variable changed_;
  std::vector<nats_delivery> waiting_;
  std::size_t bytes_ = 0;
  bool is_woken_ = false;
  bool is_closed_ = false;
};

}  // namespace duplexd
