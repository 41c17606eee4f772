#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <deque>
#include <utility>

#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Long turns of many coroutines, in line: in each round of the loop only so many of them as take about as
/// long as everything else did since the last round. Whoever needs the loop for a moment does not wait for
/// all of them, and they have half of the time at least. Used on the loop's thread; outlives its places.
class turn_lane {
 public:
  turn_lane(asio::any_io_executor loop, const clock& time) : loop_(std::move(loop)), time_(time) {}

  /// A coroutine's place in the line.
  class place {
   public:
    explicit place(turn_lane& lane) : lane_(lane), admission_(lane.loop_) {}
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    /// Suspends until the turn has come. May be cancelled; then it has not come.
    asio::awaitable<void> enter();
    /// The turn is over. No effect without one.
    void leave();

   private:
    friend turn_lane;
    turn_lane& lane_;
    notifier admission_;
    clock::time_point began_{};
    bool admitted_ = false;
  };

  /// The most of a round's time, and of its turns.
  static constexpr std::chrono::milliseconds longest_round{4};
  static constexpr std::size_t most_turns = 64;

  /// How many turns the next round has, if the last one had `turns` that took `spent`, and everything
  /// else in it took `others`: 1 to `most_turns`. Pure.
  [[nodiscard]] static std::size_t turns_of_round(std::size_t turns, clock::duration spent,
                                                  clock::duration others) noexcept;

 private:
  void open_round();
  void end_round();

  asio::any_io_executor loop_;
  const clock& time_;
  std::deque<place*> waiting_;
  bool round_open_ = false;
  clock::time_point round_began_{};
  std::size_t turns_ = 0;     ///< of this round, that are over
  clock::duration spent_{0};  ///< by them
};

}  // namespace duplexd
