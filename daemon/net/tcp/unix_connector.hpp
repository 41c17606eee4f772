#pragma once

#include <string>

#include "daemon/net/tcp/happy_eyeballs.hpp"

namespace duplexd::net {

/// Connects to a Unix-domain socket, which needs no waiting. The rest of the program sees a stream socket
/// like any other. Does not throw.
[[nodiscard]] connect_result connect_unix(const loop_executor& loop, const std::string& path);

}  // namespace duplexd::net
