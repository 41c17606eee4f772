#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "daemon/link/http_client.hpp"

namespace duplexd {

/// The HTTP client over real sockets, for everything that runs on `loop`. It must be gone before the loop is,
/// and after the last fetch.
[[nodiscard]] std::unique_ptr<http_client> make_http_client(asio::io_context& loop);

}  // namespace duplexd
