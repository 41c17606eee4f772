#include "daemon/link/token_bucket.hpp"

#include <algorithm>

namespace duplexd {

token_bucket::token_bucket(const config::rate_settings& settings) {
  if (settings.messages <= 0) return;
  const std::chrono::duration<double, std::nano> spacing = settings.per / settings.messages;
  spacing_ = std::chrono::duration_cast<clock::duration>(spacing);
  burst_ = spacing_ * (settings.burst - 1);
}

token_bucket::token_bucket(clock::duration spacing, unsigned burst)
    : spacing_(spacing), burst_(spacing * (burst - 1)) {}

clock::time_point token_bucket::next(clock::time_point now) const {
  return spacing_.count() == 0 ? now : std::max(now, due_ - burst_);
}

clock::time_point token_bucket::take(clock::time_point now) {
  const clock::time_point turn = next(now);
  due_ = std::max(due_, turn) + spacing_;
  return turn;
}

bool token_bucket::try_take(clock::time_point now) {
  if (next(now) > now) return false;
  take(now);
  return true;
}

}  // namespace duplexd
