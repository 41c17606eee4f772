#pragma once

#include <string_view>

#include "daemon/link/dial_observer.hpp"

namespace duplexd {

/// A dial's observer that is told of the server's pings on the link, too. It must outlive the link.
class ping_observer : public dial_observer {
 public:
  /// A ping came; it is answered all the same.
  virtual void ping_received(std::string_view payload) = 0;
};

}  // namespace duplexd
