#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/link/byte_source.hpp"

namespace duplexd {

/// Files, programs and standard input. `stdin_is_free`: nothing else reads it.
[[nodiscard]] std::unique_ptr<byte_sources> make_byte_sources(asio::any_io_executor loop, bool stdin_is_free);

}  // namespace duplexd
