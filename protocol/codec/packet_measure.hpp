#pragma once

#include <cstdint>
#include <memory>

#include "protocol/codec/codec_error.hpp"
#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// Finds the end of a packet that has no length, from its layout, while its bytes arrive. No byte is walked
/// over twice, so the time is linear in the packet's size however it is cut. For layouts that end by
/// themselves (`why_endless` in protocol/layout). Texts and JSON are not checked: that is for unpacking.
class packet_measure {
 public:
  enum class outcome : std::uint8_t {
    whole,  ///< the packet has `size()` bytes
    more,   ///< it goes on: at least `need()` bytes
    wrong,  ///< the bytes do not fit: `error()`
  };

  explicit packet_measure(const program& layout);
  packet_measure(packet_measure&&) noexcept;
  packet_measure& operator=(packet_measure&&) noexcept;
  ~packet_measure();

  /// Takes all bytes that there are of the packet, and perhaps of what follows it: those of the call before,
  /// and more behind them. Not to be called again after `whole` or `wrong`.
  [[nodiscard]] outcome go_on(bytes_view all);

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t need() const noexcept;
  [[nodiscard]] const codec_error& error() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace duplexd::protocol
