#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "daemon/link/stream_dialer.hpp"

namespace duplexd {

/// Connections over real sockets, for everything that runs on `loop`. It must be gone before the loop is, and
/// after the last connection.
[[nodiscard]] std::unique_ptr<stream_dialer> make_stream_dialer(asio::io_context& loop);

}  // namespace duplexd
