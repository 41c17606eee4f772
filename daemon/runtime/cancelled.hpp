#pragma once

#include <boost/asio/awaitable.hpp>

namespace duplexd {

/// Whether somebody asked the calling coroutine to end.
boost::asio::awaitable<bool> cancelled();

}  // namespace duplexd
