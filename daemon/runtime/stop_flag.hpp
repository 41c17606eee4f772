#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Asks a session to leave what it does. Once raised it stays so until it is lowered.
class stop_flag {
 public:
  explicit stop_flag(const asio::any_io_executor& loop) : changed_(loop) {}

  void raise();
  void lower() noexcept { raised_ = false; }
  [[nodiscard]] bool raised() const noexcept { return raised_; }

  /// Suspends until raised. Returns false when cancelled.
  asio::awaitable<bool> wait();

  /// Who is called when it is raised, without a coroutine that waits for it; one at a time, empty: nobody.
  void on_raise(std::function<void()> listener) { listener_ = std::move(listener); }

 private:
  bool raised_ = false;
  std::function<void()> listener_;
  notifier changed_;
};

}  // namespace duplexd
