#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>

namespace duplexd {

/// Whether the coroutine with this state was asked to end. Every wait asks before it suspends: with throwing
/// on cancellation switched off, a cancellation that came earlier wakes nobody.
[[nodiscard]] inline bool is_cancelled(const boost::asio::cancellation_state& state) noexcept {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

/// Whether the calling coroutine was asked to end. What was cancelled returns early, with everything closed
/// and with whatever fault comes of it; its caller asks here before it believes the fault.
boost::asio::awaitable<bool> cancelled();

}  // namespace duplexd
