#include "daemon/input/line_input.hpp"

#include <algorithm>
#include <array>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

namespace {
constexpr std::size_t at_once = 64u << 10;  // bytes
}  // namespace

line_input::line_input(const asio::any_io_executor& loop, int inherited, std::size_t longest)
    : longest_(longest), input_(loop, inherited) {}

inherited_input::got line_input::read_some() {
  std::array<std::uint8_t, at_once> room;
  std::size_t count = 0;
  const auto how = input_.read(room, count);
  read_.append(reinterpret_cast<const char*>(room.data()), count);
  return how;
}

// Of a line that is too long nothing is kept.
std::optional<line_input::line> line_input::take_line() {
  const auto newline = read_.find('\n', std::max(taken_, searched_));
  const bool is_last = ended_ && newline == std::string::npos;
  if (newline == std::string::npos && !is_last) {
    if (read_.size() - taken_ > longest_) {
      skipping_ = true;
      taken_ = read_.size();
    }
    read_.erase(0, std::exchange(taken_, 0));
    searched_ = read_.size();
    return std::nullopt;
  }
  if (is_last && taken_ == read_.size() && !skipping_) return std::nullopt;
  line out{.number = ++number_};
  const auto end = is_last ? read_.size() : newline;
  out.too_long = std::exchange(skipping_, false) || end - taken_ > longest_;
  if (!out.too_long) out.text = read_.substr(taken_, end - taken_);
  taken_ = std::min(end + 1, read_.size());
  searched_ = taken_;
  return out;
}

asio::awaitable<std::optional<line_input::line>> line_input::next() {
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (auto whole = take_line()) co_return whole;
    if (ended_) co_return std::nullopt;
    switch (read_some()) {
      case inherited_input::got::bytes:
        co_await input_.leave_turn();
        break;
      case inherited_input::got::end:
        ended_ = true;
        break;
      case inherited_input::got::nothing_yet:
        co_await input_.wait();
        break;
    }
    stopped = co_await cancelled();
  }
  co_return std::nullopt;
}

}  // namespace duplexd
