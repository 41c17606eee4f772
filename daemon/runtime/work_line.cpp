#include "daemon/runtime/work_line.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/runtime/notifier.hpp"

namespace duplexd {

struct work_line::place {
  place(const asio::any_io_executor& loop, std::function<void()> what)
      : work(std::move(what)), changed(loop) {}
  std::function<void()> work;
  notifier changed;
  bool done = false;
};

work_line::~work_line() {
  if (thread_) thread_->join();
}

asio::awaitable<bool> work_line::run(std::function<void()> work) {
  const auto mine = std::make_shared<place>(loop_, std::move(work));
  waiting_.push_back(mine);
  begin_next();
  bool go_on = true;
  while (go_on && !mine->done) go_on = co_await mine->changed.wait();
  if (!go_on) std::erase(waiting_, mine);  // unless it runs
  co_return go_on;
}

void work_line::begin_next() {
  if (busy_ || waiting_.empty()) return;
  busy_ = true;
  if (!thread_) thread_.emplace(1);
  asio::post(*thread_, [this, next = std::move(waiting_.front())]() mutable {
    next->work();
    asio::post(loop_, [this, next = std::move(next)] {
      busy_ = false;
      next->done = true;
      next->changed.notify();
      begin_next();
    });
  });
  waiting_.pop_front();
}

}  // namespace duplexd
