#pragma once

#include <vector>

#include "config/value/url.hpp"

namespace duplexd::config {

/// Which redirects of a server are followed: those to its own origin, and to these. An origin that is listed
/// gets everything that the server itself would get.
struct redirect_rules {
  bool followed = true;  ///< false: none at all
  std::vector<url> origins{};
};

}  // namespace duplexd::config
