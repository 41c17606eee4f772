#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "daemon/link/dialer.hpp"

namespace duplexd {

/// The dialer over real sockets, for everything that runs on `loop`. It must be gone before the loop is, and
/// after the last dial.
[[nodiscard]] std::unique_ptr<dialer> make_dialer(asio::io_context& loop);

}  // namespace duplexd
