#include "daemon/link/backoff.hpp"

#include <algorithm>

namespace duplexd {

using config::jitter_kind;
using std::chrono::milliseconds;

namespace {
// What a delay of nothing grows to: an attempt at once is followed by slower ones.
constexpr double least_step_ms = 100;
}  // namespace

milliseconds backoff::next(double random) {
  const auto initial = static_cast<double>(settings_.initial.count());
  const auto maximum = static_cast<double>(settings_.maximum.count());
  const double grown = ceiling_ms_ == 0 ? least_step_ms : ceiling_ms_ * settings_.factor;
  ceiling_ms_ = std::min(ceiling_ms_ < 0 ? initial : grown, maximum);
  double share = 1;
  if (settings_.jitter == jitter_kind::full) share = random;
  if (settings_.jitter == jitter_kind::half) share = 0.5 + random / 2;
  return milliseconds{static_cast<milliseconds::rep>(ceiling_ms_ * share)};
}

}  // namespace duplexd
