#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/output/inherited_descriptor.hpp"

namespace duplexd {

/// Lines on an inherited descriptor (stderr) from somebody who cannot wait for its reader. What does not fit
/// is kept and written when it fits. What comes when `most_kept` bytes are kept is dropped and counted, and
/// so is all that follows until there is an end to what is kept: the gap is one, and its place is known. What
/// cannot be written at all is forgotten: nobody is left to tell it to.
class log_lines {
 public:
  static constexpr std::size_t most_kept = std::size_t{1} << 20;

  explicit log_lines(int descriptor) : to_(descriptor) {}

  /// Takes a line, newline included.
  void append(std::string_view line);

  /// Writes what fits now. Returns whether nothing is kept any more.
  bool flush();

  /// Lines that were dropped and not told yet.
  [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
  std::size_t take_dropped() noexcept { return std::exchange(dropped_, 0); }

 private:
  inherited_descriptor to_;
  std::string kept_;
  std::size_t dropped_ = 0;
};

}  // namespace duplexd
