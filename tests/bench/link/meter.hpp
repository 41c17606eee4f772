#pragma once

#include <cstdint>
#include <ctime>

namespace bench {

/// CPU time of another process (all its threads, user and system) and wall time between two moments, in
/// nanoseconds. The server keeps it, so that every client is measured by the same clock and none needs a
/// hook.
class meter {
 public:
  explicit meter(int process) : known_(clock_getcpuclockid(process, &clock_) == 0) {}

  void begin() {
    cpu_ = read(clock_);
    wall_ = read(CLOCK_MONOTONIC);
  }
  void end() {
    cpu_ = read(clock_) - cpu_;
    wall_ = read(CLOCK_MONOTONIC) - wall_;
  }

  /// 0 if the process is not known.
  [[nodiscard]] std::int64_t cpu() const noexcept { return known_ ? cpu_ : 0; }
  [[nodiscard]] std::int64_t wall() const noexcept { return wall_; }

  static std::int64_t read(clockid_t clock) noexcept {
    timespec now{};
    if (clock_gettime(clock, &now) != 0) return 0;
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
  }

 private:
  clockid_t clock_ = CLOCK_MONOTONIC;
  bool known_;
  std::int64_t cpu_ = 0;
  std::int64_t wall_ = 0;
};

}  // namespace bench
