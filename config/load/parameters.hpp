#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "config/document/reading.hpp"

namespace duplexd::config {

/// What a template's parameters stand for.
using arguments = std::map<std::string, const protocol::node*, std::less<>>;

/// Calls `found` for each `${param:NAME}` of a text, `$${` left alone.
void for_each_parameter(std::string_view text, const std::function<void(std::string_view name)>& found);

/// A copy of the tree in which each `${param:NAME}` is replaced. A text that is nothing but one becomes the
/// argument itself, with the argument's place; otherwise the argument must be a scalar. Unknown names are
/// left as they are: the template's definition was checked.
[[nodiscard]] protocol::node substitute(const value_at& body, const arguments& values, reading& in);

}  // namespace duplexd::config
