#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <memory>
#include <optional>

#include "daemon/runtime/background_work.hpp"

namespace duplexd {

/// A thread for work beside the loop, which begins with the first call. What was given up before its turn
/// does not run. The destructor waits for the work that runs; the loop must not run any more then.
class work_line final : public background_work {
 public:
  explicit work_line(asio::any_io_executor loop) : loop_(std::move(loop)) {}
  ~work_line() override;

  asio::awaitable<bool> run(std::function<void()> work) override;

 private:
  struct place;

  void begin_next();

  asio::any_io_executor loop_;
  std::deque<std::shared_ptr<place>> waiting_;
  bool busy_ = false;
  std::optional<asio::thread_pool> thread_;
};

}  // namespace duplexd
