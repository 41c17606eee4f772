#pragma once

#include <chrono>
#include <utility>

#include "daemon/link/dial_observer.hpp"

namespace duplexd {

/// Tells an observer, if there is one, that a phase begins, and when it is done.
class phase_timer {
 public:
  phase_timer(dial_observer* watch, dial_phase phase) : watch_(watch), phase_(phase) {
    if (watch_ != nullptr) watch_->phase_begun(phase);
  }

  /// `make` gives the details; not called if nobody asks.
  template <class Make>
  void done(Make make) const {
    if (watch_ == nullptr) return;
    const auto took = std::chrono::steady_clock::now() - begin_;
    watch_->phase_done(phase_, took, dial_details(make()));
  }

 private:
  dial_observer* watch_;
  dial_phase phase_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace duplexd
