#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <exception>
#include <limits>
#include <list>
#include <optional>

#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Children of one coroutine, gathered: they run at the same time, their owner takes their endings one by
/// one, and none outlives it. `Ending` is a plain value. An exception in a child is a bug and is thrown again
/// at the owner.
///
/// A cancelled child must come to its end by itself: every child starts with throwing on cancellation
/// switched off, so each await in it simply returns early. A child that was about to resume anyway sees
/// nothing interrupted: the waits of this folder ask `cancelled()` first, and so must every other wait in a
/// child.
///
/// The owner must have called `join()` before it destroys the group.
template <class Ending>
class task_group {
 public:
  struct ended {
    int id = nobody;
    Ending how{};
  };
  static constexpr int nobody = std::numeric_limits<int>::min();

  explicit task_group(asio::any_io_executor loop);
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  /// Starts a child in this turn of the loop. `id` is the owner's name for it.
  void spawn(int id, asio::awaitable<Ending> child);

  /// An ending that needed no child: it comes as if one had ended now.
  void put(int id, Ending how);

  /// The next ending, in the order in which children ended. With no child and no ending it waits for one. If
  /// the owner is cancelled so are the children, and their endings come as usual; if none is left,
  /// `nobody`'s.
  asio::awaitable<ended> next();

  /// Asks a child, or every child, to end. It goes on running until it next awaits.
  void cancel(int id);
  void cancel_all();

  /// Cancels all children and waits until the last has ended. The owner's own cancellation does not interrupt
  /// it.
  asio::awaitable<void> join();

  [[nodiscard]] std::size_t running() const noexcept { return children_.size(); }

 private:
  struct child {
    int id;
    asio::cancellation_signal cancel;
  };
  asio::awaitable<void> guard(int id, asio::awaitable<Ending> work);

  asio::any_io_executor loop_;
  std::list<child> children_;
  std::list<ended> endings_;
  std::exception_ptr bug_;
  notifier changed_;
};

}  // namespace duplexd

#include "daemon/runtime/task_group.ipp"
