#pragma once

#include <cstddef>
#include <string>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// Where the packet at the front of some bytes ends.
struct cut {
  std::size_t size = 0;  ///< bytes of the packet, length field included; 0: not known yet, or `error`
  std::string error;     ///< the length makes no sense
};

/// Reads the length of the packet that starts at the front of `bytes`. `size` may be more than there are
/// bytes.
[[nodiscard]] cut cut_packet(const framing_rule& rule, bytes_view bytes);

/// Bytes that the length field itself takes at the front of a whole packet.
[[nodiscard]] std::size_t length_width(const framing_rule& rule, bytes_view packet);

/// Puts the length in front of the packet that starts at `begin` of `out` (framing with `strip`). False if it
/// does not fit the length field.
[[nodiscard]] bool add_length(const framing_rule& rule, std::vector<std::uint8_t>& out, std::size_t begin);

/// Appends a varint.
void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value);

}  // namespace duplexd::protocol
