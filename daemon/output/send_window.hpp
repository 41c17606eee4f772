#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace duplexd {

/// Messages that a broker has been sent and has not acknowledged yet, in order. A plain value.
class send_window {
 public:
  /// So many messages are on their way at most, and so many bytes unless one message has more.
  static constexpr std::size_t most_messages = 1'000;
  static constexpr std::size_t most_bytes = 256u << 10;

  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return sent_.empty() || (sent_.size() < most_messages && bytes_ + bytes <= most_bytes);
  }
  /// The next message, which the broker's answer will name by `key`.
  void add(std::uint64_t key, std::size_t bytes) {
    sent_.push_back({key, bytes, false, {}});
    bytes_ += bytes;
  }
  /// The broker has taken a message, or refused it for good. Of one that is not on its way nothing is known.
  void answer(std::uint64_t key, std::string refusal = {}) {
    const auto found =
        std::ranges::find_if(sent_, [key](const message& each) { return each.key == key && !each.answered; });
    if (found == sent_.end()) return;
    found->answered = true;
    found->refusal = std::move(refusal);
  }
  /// Takes the first message out if it was answered: why it was refused; empty: it was taken.
  [[nodiscard]] std::optional<std::string> take() {
    if (sent_.empty() || !sent_.front().answered) return std::nullopt;
    std::string refusal = std::move(sent_.front().refusal);
    bytes_ -= sent_.front().bytes;
    sent_.pop_front();
    return refusal;
  }
  [[nodiscard]] std::size_t size() const noexcept { return sent_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct message {
    std::uint64_t key;
    std::size_t bytes;
    bool answered;
    std::string refusal;
  };
  std::deque<message> sent_;
  std::size_t bytes_ = 0;
};

}  // namespace duplexd
