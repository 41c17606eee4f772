#pragma once

#include <cstddef>
#include <string>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// Where the packet at the front of some bytes ends.
struct cut {
  std::size_t size =
      0;  ///< bytes of the packet, length field or delimiter included; 0: not known yet, or `error`
  std::size_t trailer = 0;  ///< of these, bytes of the delimiter
  std::string error{};      ///< the length makes no sense
};

/// Reads the length of the packet that starts at the front of `bytes`. `size` may be more than there are
/// bytes. With a delimiter: looks for it; in the first `known` bytes there is none that is whole.
[[nodiscard]] cut cut_packet(const framing_rule& rule, bytes_view bytes, std::size_t known = 0);

/// Bytes that the length field itself takes at the front of a whole packet.
[[nodiscard]] std::size_t length_width(const framing_rule& rule, bytes_view packet);

/// Completes the packet that starts at `begin` of `out`: puts the length in front of it (framing with
/// `strip`) or the delimiter behind it. What is wrong if it is too long for the length, or holds the
/// delimiter itself; else null.
[[nodiscard]] const char* close_packet(const framing_rule& rule, std::vector<std::uint8_t>& out,
                                       std::size_t begin);

/// Appends a varint.
void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value);

}  // namespace duplexd::protocol
