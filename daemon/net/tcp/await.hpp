#pragma once

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/runtime/as_value.hpp"

namespace duplexd::net {

/// Whether somebody asked the coroutine with this state to end. Every wait here asks before it sleeps: with
/// throwing on cancellation off, a cancellation that came earlier wakes nobody.
[[nodiscard]] inline bool is_cancelled(const boost::asio::cancellation_state& state) noexcept {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

}  // namespace duplexd::net
