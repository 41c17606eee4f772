#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

namespace duplexd {

template <class Ending>
task_group<Ending>::task_group(asio::any_io_executor loop) : loop_(std::move(loop)), changed_(loop_) {}

template <class Ending>
asio::awaitable<void> task_group<Ending>::guard(int id, asio::awaitable<Ending> work) {
  co_await asio::this_coro::throw_if_cancelled(false);
  Ending how = co_await std::move(work);
  put(id, std::move(how));
}

template <class Ending>
void task_group<Ending>::put(int id, Ending how) {
  endings_.push_back({id, std::move(how)});
  changed_.notify();
}

template <class Ending>
void task_group<Ending>::spawn(int id, asio::awaitable<Ending> work) {
  auto& entry = children_.emplace_back();
  entry.id = id;
  const auto self = std::prev(children_.end());
  auto on_end = [this, self](const std::exception_ptr& bug) {
    if (bug && !bug_) bug_ = bug;
    if (bug) endings_.push_back({self->id, {}});
    children_.erase(self);
    changed_.notify();
  };
  asio::co_spawn(loop_, guard(id, std::move(work)),
                 asio::bind_cancellation_slot(self->cancel.slot(), std::move(on_end)));
}

template <class Ending>
asio::awaitable<typename task_group<Ending>::ended> task_group<Ending>::next() {
  while (endings_.empty()) {
    const bool notified = co_await changed_.wait();
    if (notified) continue;
    cancel_all();
    if (endings_.empty() && children_.empty()) co_return ended{};
    if (endings_.empty()) co_await changed_.wait_regardless();
  }
  if (bug_) {
    co_await join();
    std::rethrow_exception(bug_);
  }
  ended result = std::move(endings_.front());
  endings_.pop_front();
  co_return result;
}

template <class Ending>
void task_group<Ending>::cancel(int id) {
  for (child& entry : children_)
    if (entry.id == id) entry.cancel.emit(asio::cancellation_type::terminal);
}

template <class Ending>
void task_group<Ending>::cancel_all() {
  for (child& entry : children_) entry.cancel.emit(asio::cancellation_type::terminal);
}

template <class Ending>
asio::awaitable<void> task_group<Ending>::join() {
  while (!children_.empty()) {
    cancel_all();
    co_await changed_.wait_regardless();
  }
}

}  // namespace duplexd
