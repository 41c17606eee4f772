#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/runtime/clock.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// The state of all sessions in the text format of Prometheus, made when somebody asks: nothing is kept for
/// it. The labels are the names of sessions and of their replies, all of which stand in the configuration.
/// Sessions are added one by one, so that whoever makes the page can let others have the loop in between.
class metrics_page {
 public:
  metrics_page();

  void add(const session& each, clock::time_point now);

  /// The whole page.
  [[nodiscard]] std::string take(std::string_view version) &&;

 private:
  std::vector<std::string> parts_;  ///< the lines of each metric
  std::string replies_;
  std::string lags_;
};

}  // namespace duplexd
