#pragma once

#include <optional>
#include <string_view>

#include "daemon/net/http/http_server.hpp"

namespace duplexd {

/// The dashboard's file at this path, nothing if there is none. The files are constants of the program and
/// hold nothing secret: what they show they ask the API for.
[[nodiscard]] std::optional<net::served_answer> dashboard_page(std::string_view method,
                                                               std::string_view path);

}  // namespace duplexd
