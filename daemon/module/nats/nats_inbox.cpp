#include "daemon/module/nats/nats_inbox.hpp"

#include <utility>

namespace duplexd {

void nats_inbox::put(nats_delivery what) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !is_full() || is_closed_; });
  if (is_closed_) return;
  bytes_ += what.payload.size();
  waiting_.push_back(std::move(what));
  changed_.notify_all();
}

std::vector<nats_delivery> nats_inbox::take(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return !waiting_.empty() || is_woken_ || is_closed_; });
  is_woken_ = false;
  bytes_ = 0;
  auto taken = std::exchange(waiting_, {});
  changed_.notify_all();
  return taken;
}

void nats_inbox::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  changed_.notify_all();
}

void nats_inbox::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

}  // namespace duplexd
