#include "daemon/runtime/turn_lane.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace duplexd {

turn_lane::place::~place() {
  std::erase(lane_.waiting_, this);
}

asio::awaitable<void> turn_lane::place::enter() {
  admitted_ = !lane_.round_open_;
  if (admitted_) {
    lane_.open_round();
  } else {
    lane_.waiting_.push_back(this);
    co_await admission_.wait();
    if (!admitted_) std::erase(lane_.waiting_, this);
  }
  began_ = lane_.time_.now();
}

void turn_lane::place::leave() {
  if (!admitted_) return;
  admitted_ = false;
  ++lane_.turns_;
  lane_.spent_ += lane_.time_.now() - began_;
}

std::size_t turn_lane::turns_of_round(std::size_t turns, clock::duration spent,
                                      clock::duration others) noexcept {
  if (turns == 0) return 1;
  const auto time = std::clamp<clock::duration>(others, clock::duration{0}, longest_round);
  const auto one = std::max<clock::duration>(spent / turns, clock::duration{1});
  return std::clamp<std::size_t>(static_cast<std::size_t>(time / one), 1, most_turns);
}

// What is posted runs after everything that the loop finds ready first.
void turn_lane::open_round() {
  round_open_ = true;
  round_began_ = time_.now();
  asio::post(loop_, [this] { end_round(); });
}

void turn_lane::end_round() {
  const auto took = time_.now() - round_began_;
  std::size_t next = turns_of_round(turns_, spent_, took - spent_);
  turns_ = 0;
  spent_ = clock::duration{0};
  round_open_ = false;
  if (waiting_.empty()) return;
  open_round();
  for (; next > 0 && !waiting_.empty(); --next) {
    place* const first = waiting_.front();
    waiting_.pop_front();
    first->admitted_ = true;
    first->admission_.notify();
  }
}

}  // namespace duplexd
