#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace duplexd {

/// Bytes in one piece, appended at the end and taken from the front. New room is not zeroed. Growth keeps the
/// bytes but moves them: a view lives until the next non-const call.
class byte_queue {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::uint8_t* data() noexcept { return storage_.get() + begin_; }
  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
    return {storage_.get() + begin_, size()};
  }

  /// Room for at least `room` more bytes; what was written there is then taken over by `commit()`.
  [[nodiscard]] std::uint8_t* prepare(std::size_t room) {
    if (capacity_ - end_ < room) make_room(room);
    return storage_.get() + end_;
  }
  void commit(std::size_t written) noexcept { end_ += written; }

  void append(const void* bytes, std::size_t size) {
    if (size == 0) return;
    std::memcpy(prepare(size), bytes, size);
    commit(size);
  }

  void consume(std::size_t taken) noexcept {
    begin_ += taken;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// Forgets the bytes behind the first `size`.
  void truncate(std::size_t size) noexcept { end_ = begin_ + std::min(size, this->size()); }

  void clear() noexcept { begin_ = end_ = 0; }

  /// Gives memory back if the queue is empty and holds more than `keep` bytes of room.
  void shrink(std::size_t keep) noexcept {
    if (!empty() || capacity_ <= keep) return;
    storage_.reset();
    begin_ = end_ = capacity_ = 0;
  }

  friend void swap(byte_queue& a, byte_queue& b) noexcept {
    std::swap(a.storage_, b.storage_);
    std::swap(a.capacity_, b.capacity_);
    std::swap(a.begin_, b.begin_);
    std::swap(a.end_, b.end_);
  }

 private:
  void make_room(std::size_t room) {
    const std::size_t held = size();
    if (capacity_ - held >= room && begin_ >= held) {
      std::memcpy(storage_.get(), storage_.get() + begin_, held);
    } else {
      const std::size_t wanted = std::max(held + room, 2 * held);
      std::unique_ptr<std::uint8_t[]> fresh(new std::uint8_t[wanted]);
      if (held != 0) std::memcpy(fresh.get(), storage_.get() + begin_, held);
      storage_ = std::move(fresh);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<std::uint8_t[]> storage_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace duplexd
