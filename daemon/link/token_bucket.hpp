#pragma once

#include "config/settings/settings.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Limits how often something is done. Turns are reserved, so that whoever comes first goes first. Pure.
class token_bucket {
 public:
  explicit token_bucket(const config::rate_settings& settings);
  /// One turn each `spacing`, and up to `burst` (positive) of them at once.
  token_bucket(clock::duration spacing, unsigned burst);

  /// When the next turn is, without taking it.
  [[nodiscard]] clock::time_point next(clock::time_point now) const;

  /// Takes the next turn and says when it is: `now` if a token is left.
  clock::time_point take(clock::time_point now);

  /// Takes the next turn if it is now.
  bool try_take(clock::time_point now);

 private:
  clock::duration spacing_{0};  ///< zero: no limit
  clock::duration burst_{0};    ///< how far turns may run ahead of their spacing
  clock::time_point due_{};     ///< when the bucket would be full again
};

}  // namespace duplexd
