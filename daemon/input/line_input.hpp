#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/input/inherited_input.hpp"

namespace duplexd {

/// Lines from an inherited descriptor (stdin).
class line_input {
 public:
  /// Lines of more than `longest` bytes are left out, whatever their length.
  line_input(const asio::any_io_executor& loop, int inherited, std::size_t longest);

  struct line {
    std::uint64_t number = 0;  ///< from 1
    std::string text{};        ///< without its newline
    bool too_long = false;     ///< then there is no text
    std::string id{};          ///< of the command, if the text has none; empty: one is made
    bool comes_again = false;  ///< its sender keeps it: what cannot be taken for now may be given back
  };
  /// The next line; what follows the last newline counts as one. Empty: that was the last, or the caller was
  /// cancelled. One caller at a time.
  asio::awaitable<std::optional<line>> next();

  /// Why it ended before its end, in words; empty: it did not.
  [[nodiscard]] const std::string& failed() const noexcept { return input_.failed(); }

 private:
  [[nodiscard]] inherited_input::got read_some();
  [[nodiscard]] std::optional<line> take_line();

  std::size_t longest_;
  inherited_input input_;
  std::string read_;  ///< of which the first `taken_` bytes were given
  std::size_t taken_ = 0;
  std::size_t searched_ = 0;  ///< no newline before
  bool skipping_ = false;     ///< the rest of a line that is too long
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace duplexd
