#include "daemon/cli/hex_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace duplexd::cli {

std::string hex_table(protocol::bytes_view bytes) {
  constexpr std::size_t width = 16;
  std::string out;
  for (std::size_t from = 0; from < bytes.size(); from += width) {
    const auto row = bytes.subspan(from, std::min(width, bytes.size() - from));
    std::string characters;
    out += fmt::format("  {:08x} ", from);
    for (std::size_t i = 0; i < width; ++i) {
      if (i % 8 == 0) out += ' ';
      out += i < row.size() ? fmt::format("{:02x} ", row[i]) : "   ";
      if (i < row.size()) characters += row[i] >= 0x20 && row[i] < 0x7f ? static_cast<char>(row[i]) : '.';
    }
    out += fmt::format(" |{}|\n", characters);
  }
  return out;
}

}  // namespace duplexd::cli
