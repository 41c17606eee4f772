#include "protocol/layout/struct_import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/struct_format.hpp"
#include "protocol/layout/notation.hpp"

namespace duplexd::protocol {
namespace {

using kind = struct_code::kind;

bool is_text(const struct_part& part) noexcept {
  return part.code.what == kind::bytes || part.code.what == kind::pascal;
}

/// How many of Python's values it is.
std::size_t values_of(const struct_part& part) noexcept {
  if (part.code.what == kind::pad) return 0;
  return is_text(part) ? 1 : part.count;
}

std::string code_of(const struct_part& part) {
  return part.count == 1 ? std::string(1, part.name) : fmt::format("{}{}", part.count, part.name);
}

std::string wrong_name(const std::vector<std::string>& names) {
  for (auto each = names.begin(); each != names.end(); ++each) {
    if (!is_field_name(*each))
      return fmt::format("'{}' is not a valid name: a letter or '_', then letters, digits and '_'", *each);
    if (std::find(names.begin(), each, *each) != each)
      return fmt::format("the name '{}' is there twice", *each);
  }
  return {};
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// The part that has the value of this number, from 0; the last one if there are fewer.
const struct_part& holder_of(const std::vector<struct_part>& parts, std::size_t value) {
  for (const struct_part& part : parts) {
    if (value < values_of(part)) return part;
    value -= values_of(part);
  }
  return parts.back();
}

}  // namespace

std::optional<std::string> layout_of_struct(std::string_view format, const std::vector<std::string>& names,
                                            std::string& error) {
  if (!struct_format::parse(format, error)) {
    std::size_t at = 0;
    const bool native = read_struct_order(format, at) == '@';
    struct_part part;
    std::string where;
    while (read_struct_part(format, native, at, part, where)) {
    }
    error = fmt::format("character {}: {}", std::min(at, format.size()) + 1, error);
    return std::nullopt;
  }
  std::size_t at = 0;
  const char order = read_struct_order(format, at);
  std::vector<struct_part> parts;
  for (struct_part part; read_struct_part(format, order == '@', at, part, error);) parts.push_back(part);
  std::size_t values = 0;
  std::size_t codes = 0;
  for (const struct_part& part : parts) {
    if (part.code.what == kind::pascal && part.count == 0) {
      error = fmt::format("character {}: a '0p' has no room for its length", part.at + 1);
      return std::nullopt;
    }
    values += values_of(part);
    codes += values_of(part) == 0 ? 0 : 1;
  }
  std::string line(1, order);
  if (names.empty()) {
    for (const struct_part& part : parts) line += code_of(part);
    return line;
  }
  if (error = wrong_name(names); !error.empty()) return std::nullopt;
  if (names.size() != values && names.size() != codes) {
    const std::string most = values == codes
                                 ? counted(values, "value")
                                 : fmt::format("{} of {}", counted(values, "value"), counted(codes, "code"));
    error = fmt::format("{} for {}", counted(names.size(), "name"), most);
    if (names.size() > values)
      error += fmt::format(": '{}' is too many", names[values]);
    else if (const struct_part& next = holder_of(parts, names.size()); true)
      error +=
          fmt::format(": value {}, '{}' at character {}, has none", names.size() + 1, next.name, next.at + 1);
    return std::nullopt;
  }
  const bool lists = names.size() != values;
  auto name = names.begin();
  for (const struct_part& part : parts) {
    if (values_of(part) == 0 || lists || is_text(part)) {
      line += ' ';
      if (values_of(part) != 0) line += *name++ + ":";
      line += code_of(part);
      continue;
    }
    for (std::size_t i = 0; i < part.count; ++i) line += fmt::format(" {}:{}", *name++, part.name);
  }
  return line;
}

}  // namespace duplexd::protocol
