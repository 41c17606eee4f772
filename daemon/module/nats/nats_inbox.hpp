#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "daemon/output/broker_receiver.hpp"

namespace duplexd {

/// Messages on their way from the library's thread to ours. While it is full the library's thread waits, and
/// the library keeps what comes, up to the subscription's limits. All calls are safe from any thread.
class nats_inbox {
 public:
  /// Waits for room. Nothing is taken after `close`.
  void put(broker_receiver::message what);
  /// Waits for messages, until `wake` or `close`, or for that time.
  [[nodiscard]] std::vector<broker_receiver::message> take(std::chrono::milliseconds limit);
  void wake();
  void close();

 private:
  [[nodiscard]] bool is_full() const noexcept {
    return waiting_.size() >= broker_receiver::most_messages || bytes_ >= broker_receiver::most_bytes;
  }

  std::mutex mutex_;  ///< of all that follows
  std::condition_variable changed_;
  std::vector<broker_receiver::message> waiting_;
  std::size_t bytes_ = 0;
  bool is_woken_ = false;
  bool is_closed_ = false;
};

}  // namespace duplexd
