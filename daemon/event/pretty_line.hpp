#pragma once

#include <string>
#include <string_view>

namespace duplexd {

/// An event's line of JSON as a line for people: "02:11:55.123 feed trade  price=12.5 name=ab". A record that
/// is no such line is as it was. `line` may end with a newline; the result does then, too.
[[nodiscard]] std::string pretty_line(std::string_view line);

}  // namespace duplexd
