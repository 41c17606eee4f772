#pragma once

#include <chrono>
#include <memory>

#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// While it lives: aborts a connection when `limit` has passed. An abort closes the socket, so that it cannot
/// be missed by an operation that is between two waits.
class deadline {
 public:
  deadline(const std::shared_ptr<tcp_connection>& target, std::chrono::milliseconds limit);
  ~deadline();
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  [[nodiscard]] bool expired() const noexcept { return progress_->expired; }

 private:
  struct progress {
    bool expired = false;
    bool over = false;
  };
  loop_timer timer_;
  std::shared_ptr<progress> progress_ = std::make_shared<progress>();
};

}  // namespace duplexd::net
