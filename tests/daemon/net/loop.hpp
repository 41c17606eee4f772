#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace duplexd::net::test {

namespace asio = boost::asio;

/// Runs a coroutine and everything else on the loop until it is done. Half a minute without an end is a
/// failure.
template <class T>
T run(asio::io_context& loop, asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr error;
  bool done = false;
  asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown, T value) {
    error = thrown;
    result.emplace(std::move(value));
    done = true;
  });
  loop.restart();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done && loop.run_one_until(limit) != 0) {
  }
  if (!done) throw std::runtime_error("the coroutine did not end");
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

inline void run(asio::io_context& loop, asio::awaitable<void> work) {
  std::exception_ptr error;
  bool done = false;
  asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown) {
    error = thrown;
    done = true;
  });
  loop.restart();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done && loop.run_one_until(limit) != 0) {
  }
  if (!done) throw std::runtime_error("the coroutine did not end");
  if (error) std::rethrow_exception(error);
}

/// Runs the loop until `done()`; false: half a minute was not enough.
template <class Condition>
[[nodiscard]] bool run_until(asio::io_context& loop, Condition done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  loop.restart();
  while (!done() && std::chrono::steady_clock::now() < limit) {
    if (loop.stopped()) loop.restart();
    loop.run_one_for(std::chrono::milliseconds(20));
  }
  return done();
}

/// Runs what is ready, and what becomes ready by that.
inline void run_ready(asio::io_context& loop) {
  loop.restart();
  while (loop.poll() != 0) {
  }
}

}  // namespace duplexd::net::test
