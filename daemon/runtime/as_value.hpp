#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

namespace duplexd {

/// The token of an operation that a coroutine awaits at once: `co_await timer.async_wait(as_value)` gives its
/// error as a value. Unlike `use_awaitable` it needs no coroutine frame of its own.
inline constexpr auto as_value = boost::asio::as_tuple(boost::asio::deferred);

}  // namespace duplexd
