#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

class message_type;

/// Whether a part of the layout is a text with `invalid: carry`.
[[nodiscard]] bool asks_to_carry(const program& layout);

/// Where the text begins whose cut character goes on in the next packet: the packet's last field, in a binary
/// frame, behind fields of a fixed size that do not count its bytes. Empty: it cannot be, `why` says it.
[[nodiscard]] std::optional<std::size_t> carried_from(const program& layout, frame_kind frame,
                                                      std::string& why);

/// The beginnings of characters that packets ended with, at most three bytes for each type.
class carried_texts {
 public:
  /// The packet as if its text began with what the one before it of this type kept back, without the
  /// beginning of a character at its end. The bytes are the frame's own, or live until `begin()`.
  [[nodiscard]] frame_view join(const message_type& type, frame_view frame);

  /// Forgets packets, not what was kept back.
  void begin() { joined_.clear(); }

 private:
  struct beginning {
    std::array<std::uint8_t, 3> bytes{};
    std::size_t size = 0;
  };
  std::map<const message_type*, beginning> kept_;
  std::deque<std::vector<std::uint8_t>> joined_;
};

}  // namespace duplexd::protocol
