#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
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

/// Awaits an operation of several steps on `target`. When the coroutine is cancelled the connection is
/// aborted: an ordinary cancellation would be lost if it came between two steps. `start` gets the completion
/// handler.
template <class Start>
auto abortable(const std::shared_ptr<tcp_connection>& target, Start start) {
  constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
  return boost::asio::async_initiate<decltype(token), void(boost::system::error_code)>(
      [weak = std::weak_ptr<tcp_connection>(target), start = std::move(start)](auto handler) mutable {
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) {
          slot.assign([weak](boost::asio::cancellation_type) {
            if (const auto alive = weak.lock()) alive->abort();
          });
        }
        start(boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), std::move(handler)));
      },
      token);
}

}  // namespace duplexd::net
