#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>

#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

/// Awaits `work`, but no longer than until `deadline`: then it is cancelled, awaited, and the result is
/// empty. Empty, too, if the caller itself is cancelled: ask `cancelled()` before calling it a timeout. `T`
/// is a plain value.
template <class T>
asio::awaitable<std::optional<T>> within(asio::any_io_executor loop, clock& time, clock::time_point deadline,
                                         asio::awaitable<T> work) {
  enum task { working, sleeping };
  auto wrap = [](asio::awaitable<T> inner) -> asio::awaitable<std::optional<T>> {
    co_return co_await std::move(inner);
  };
  auto sleep = [](clock& of, clock::time_point until) -> asio::awaitable<std::optional<T>> {
    co_await of.sleep_until(until);
    co_return std::nullopt;
  };
  task_group<std::optional<T>> tasks{std::move(loop)};
  tasks.spawn(working, wrap(std::move(work)));
  tasks.spawn(sleeping, sleep(time, deadline));
  auto first = co_await tasks.next();
  co_await tasks.join();
  co_return std::move(first.how);
}

}  // namespace duplexd
