#pragma once

#include "protocol/codec/codec_error.hpp"
#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// What one packet has used of its ceilings, packets within it included.
struct unpack_budget {
  std::size_t elements = 0;
  std::size_t inflated = 0;
  std::size_t checksummed = 0;
  std::size_t depth = 0;
};

/// Unpacks the whole packet. `Visitor` is json_writer, null_visitor or value_visitor; what it took before an
/// error is to be thrown away. Time is linear in the packet's size. On an error false, and `error` says
/// where.
template <class Visitor>
[[nodiscard]] bool unpack(const program& layout, bytes_view packet, Visitor& visitor, codec_error& error);

/// Puts `name` in front of an error's path: "ticks" and "[1].price" are "ticks[1].price".
void prefix_path(codec_error& error, std::string_view name);

}  // namespace duplexd::protocol
