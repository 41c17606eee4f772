#include "daemon/net/tcp/deadline.hpp"

namespace duplexd::net {

deadline::deadline(const std::shared_ptr<tcp_connection>& target, std::chrono::milliseconds limit)
    : timer_(target->get_executor(), limit) {
  timer_.async_wait([weak = std::weak_ptr<tcp_connection>(target),
                     progress = progress_](const boost::system::error_code& error) {
    if (error || progress->over) return;
    progress->expired = true;
    if (const auto alive = weak.lock()) alive->abort();
  });
}

deadline::~deadline() {
  progress_->over = true;
  timer_.cancel();
}

}  // namespace duplexd::net
