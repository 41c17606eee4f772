#include "daemon/link/backoff.hpp"

#include <algorithm>

namespace duplexd {

using std::chrono::milliseconds;

milliseconds backoff::next(double random, bool slowly) {
  const auto initial = static_cast<double>(settings_.initial.count());
  const auto maximum = static_cast<double>(settings_.maximum.count());
  ceiling_ms_ = ceiling_ms_ == 0 ? initial : ceiling_ms_ * settings_.factor;
  ceiling_ms_ = std::min(slowly ? maximum : ceiling_ms_, maximum);
  // A rejected login must not come back at once by bad luck: half of its delay is fixed.
  const double share = slowly ? 0.5 + random / 2 : random;
  return milliseconds{static_cast<milliseconds::rep>(ceiling_ms_ * share)};
}

void backoff::link_lived(milliseconds lifetime) {
  if (lifetime >= settings_.stable_after) ceiling_ms_ = 0;
}

}  // namespace duplexd
