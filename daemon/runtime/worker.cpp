#include "daemon/runtime/worker.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/runtime/notifier.hpp"

namespace duplexd {

asio::awaitable<void> worker::run(std::function<void()> work) {
  busy_ = true;
  notifier changed{loop_};
  asio::post(thread_, [&, work = std::move(work)] {
    work();
    asio::post(loop_, [&] {
      busy_ = false;
      changed.notify();
    });
  });
  while (busy_) co_await changed.wait_regardless();
}

}  // namespace duplexd
