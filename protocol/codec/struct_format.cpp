#include "protocol/codec/struct_format.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "protocol/codec/number_from_json.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t size_max = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Digits as a count; false on overflow.
bool read_count(std::string_view text, std::size_t& at, std::size_t& out) noexcept {
  out = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    const auto digit = static_cast<std::size_t>(text[at] - '0');
    if (out > (size_max - digit) / 10) return false;
    out = out * 10 + digit;
  }
  return true;
}

// Python's number -> double, for d, f and e.
std::optional<double> as_double(const struct_value& value) {
  if (const auto* real = std::get_if<double>(&value.is)) return *real;
  if (const auto* integer = std::get_if<int128>(&value.is)) return static_cast<double>(*integer);
  if (const auto* flag = std::get_if<bool>(&value.is)) return *flag ? 1.0 : 0.0;
  if (const auto* huge = std::get_if<struct_value::huge>(&value.is);
      huge != nullptr && std::isfinite(huge->nearest))
    return huge->nearest;
  return std::nullopt;
}

bool truth_of(const struct_value& value) {
  if (const auto* real = std::get_if<double>(&value.is)) return *real != 0;
  if (const auto* integer = std::get_if<int128>(&value.is)) return *integer != 0;
  if (const auto* flag = std::get_if<bool>(&value.is)) return *flag;
  if (const auto* bytes = std::get_if<std::string>(&value.is)) return !bytes->empty();
  return std::holds_alternative<struct_value::huge>(value.is) || value.truth;
}

}  // namespace

char read_struct_order(std::string_view format, std::size_t& at) noexcept {
  const bool has_one =
      at < format.size() && std::string_view("@=<>!").find(format[at]) != std::string_view::npos;
  return has_one ? format[at++] : '@';
}

bool read_struct_part(std::string_view format, bool native, std::size_t& at, struct_part& out,
                      std::string& error) {
  while (at < format.size() && is_space(format[at])) ++at;
  if (at == format.size()) return false;
  const auto fail = [&](const char* why) {
    error = why;
    at = out.at;
    return false;
  };
  out.at = at;
  out.count = 1;
  if (format[at] >= '0' && format[at] <= '9') {
    if (!read_count(format, at, out.count)) return fail("overflow in item count");
    if (at == format.size()) return fail("repeat count given without format specifier");
  }
  out.name = format[at];
  const auto code = find_struct_code(out.name, native);
  if (!code) {
    out.at = at;
    return fail("bad char in struct format");
  }
  ++at;
  out.code = *code;
  return true;
}

std::optional<struct_format> struct_format::parse(std::string_view format, std::string& error) {
  struct_format out;
  const auto fail = [&](const char* why) -> std::optional<struct_format> {
    error = why;
    return std::nullopt;
  };
  std::size_t at = 0;
  const char order = read_struct_order(format, at);
  out.native_ = order == '@';
  out.big_ = order_is_big(order);
  error.clear();
  struct_part part;
  while (read_struct_part(format, out.native_, at, part, error)) {
    const struct_code& code = part.code;
    const std::size_t count = part.count;
    item next;
    next.name = part.name;
    next.code = code;
    const std::size_t past = out.size_ % code.alignment;
    if (past != 0 && out.size_ > size_max - (code.alignment - past))
      return fail("total struct size too long");
    if (past != 0) out.size_ += code.alignment - past;
    next.offset = out.size_;
    if (count > (size_max - out.size_) / code.size) return fail("total struct size too long");
    out.size_ += count * code.size;
    const bool whole = code.what == struct_code::kind::bytes || code.what == struct_code::kind::pascal;
    next.length = whole ? count : code.size;
    next.repeat = whole ? 1 : count;
    if (code.what == struct_code::kind::pad || next.repeat == 0) continue;
    out.count_ += next.repeat;
    out.items_.push_back(next);
  }
  if (!error.empty()) return std::nullopt;
  return out;
}

bool struct_format::pack(const std::vector<struct_value>& values, std::vector<std::uint8_t>& out,
                         std::string& error) const {
  if (values.size() != count_) {
    error = fmt::format("pack expected {} items for packing (got {})", count_, values.size());
    return false;
  }
  const std::size_t before = out.size();
  out.resize(before + size_);
  std::size_t next = 0;
  for (const item& what : items_) {
    for (std::size_t i = 0; i < what.repeat; ++i) {
      const std::size_t offset = what.offset + i * what.length;
      error = put(what, out.data() + before + offset, size_ - offset, values[next++]);
      if (error.empty()) continue;
      out.resize(before);
      return false;
    }
  }
  return true;
}

std::string struct_format::put(const item& what, std::uint8_t* to, std::size_t room,
                               const struct_value& value) const {
  const auto* bytes = std::get_if<std::string>(&value.is);
  switch (what.code.what) {
    case struct_code::kind::character:
      if (bytes == nullptr || bytes->size() != 1) return "char format requires a bytes object of length 1";
      *to = static_cast<std::uint8_t>(bytes->front());
      return {};
    case struct_code::kind::bytes:
      if (bytes == nullptr) return "argument for 's' must be a bytes object";
      std::copy_n(bytes->begin(), std::min(bytes->size(), what.length), to);
      return {};
    case struct_code::kind::pascal: {
      if (bytes == nullptr) return "argument for 'p' must be a bytes object";
      if (what.length == 0) {
        // CPython writes the length -1 into the byte that follows, if there is one.
        if (room > 0) *to = 0xff;
        return {};
      }
      const std::size_t length = std::min(bytes->size(), what.length - 1);
      std::copy_n(bytes->begin(), length, to + 1);
      *to = static_cast<std::uint8_t>(std::min<std::size_t>(length, 255));
      return {};
    }
    default:
      break;
  }
  const number_type type = what.code.type;
  std::uint64_t raw = 0;
  if (type == number_type::boolean) {
    raw = truth_of(value) ? 1 : 0;
  } else if (is_float(type)) {
    const auto number = as_double(value);
    if (!number) return "required argument is not a float";
    if (type == number_type::f32 && native_) {
      raw = std::bit_cast<std::uint32_t>(static_cast<float>(*number));  // native mode overflows to infinity
    } else if (type == number_type::f32) {
      const auto narrow = static_cast<float>(*number);
      if (std::isinf(narrow) && std::isfinite(*number)) return "float too large to pack with f format";
      raw = std::bit_cast<std::uint32_t>(narrow);
    } else if (type == number_type::f16) {
      std::uint16_t half = 0;
      if (!double_to_half(*number, half)) return "float too large to pack with e format";
      raw = half;
    } else {
      raw = std::bit_cast<std::uint64_t>(*number);
    }
  } else {
    int128 integer = 0;
    if (const auto* flag = std::get_if<bool>(&value.is))
      integer = *flag ? 1 : 0;
    else if (const auto* number = std::get_if<int128>(&value.is))
      integer = *number;
    else if (std::holds_alternative<struct_value::huge>(value.is))
      return "int too large to convert";
    else
      return "required argument is not an integer";
    // A pointer takes negative numbers too.
    const bool negative = what.name == 'P' && integer < 0;
    if (std::string why = number_from_integer(negative ? number_type::i64 : type, integer, raw); !why.empty())
      return fmt::format("'{}' format requires {}", what.name, range_of(type));
  }
  store(to, raw, width_of(type), big_);
  return {};
}

bool struct_format::unpack(bytes_view from, std::vector<struct_value>& out, std::string& error) const {
  if (from.size() != size_) {
    error = fmt::format("unpack requires a buffer of {} bytes", size_);
    return false;
  }
  for (const item& what : items_)
    if (what.code.what == struct_code::kind::pascal && what.length == 0) {
      error = "a '0p' has no room for its length";
      return false;
    }
  out.reserve(out.size() + count_);
  for (const item& what : items_)
    for (std::size_t i = 0; i < what.repeat; ++i)
      out.push_back(get(what, from.data() + what.offset + i * what.length));
  return true;
}

struct_value struct_format::get(const item& what, const std::uint8_t* from) const {
  struct_value out;
  switch (what.code.what) {
    case struct_code::kind::character:
    case struct_code::kind::bytes:
      out.is = std::string(from, from + what.length);
      return out;
    case struct_code::kind::pascal:
      out.is = std::string(from + 1, from + 1 + std::min<std::size_t>(*from, what.length - 1));
      return out;
    default:
      break;
  }
  const number_type type = what.code.type;
  const std::uint64_t raw = load(from, width_of(type), big_);
  if (type == number_type::boolean)
    out.is = raw != 0;
  else if (type == number_type::f64)
    out.is = std::bit_cast<double>(raw);
  else if (type == number_type::f32)
    out.is = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
  else if (type == number_type::f16)
    out.is = half_to_double(static_cast<std::uint16_t>(raw));
  else
    out.is =
        is_signed(type) ? static_cast<int128>(sign_extend(raw, width_of(type))) : static_cast<int128>(raw);
  return out;
}

namespace {

std::optional<struct_value> big_integer(std::string_view text) {
  struct_value out;
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (digits.size() > 38) {
    out.is = struct_value::huge{std::strtod(std::string(text).c_str(), nullptr)};
    return out;
  }
  int128 value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  out.is = negative ? -value : value;
  return out;
}

}  // namespace

std::optional<struct_value> struct_value_from(const ordered_json& value) {
  struct_value out;
  if (value.is_boolean()) {
    out.is = value.get<bool>();
  } else if (value.is_number_unsigned()) {
    out.is = static_cast<int128>(value.get<std::uint64_t>());
  } else if (value.is_number_integer()) {
    out.is = static_cast<int128>(value.get<std::int64_t>());
  } else if (value.is_number()) {
    out.is = value.get<double>();
  } else if (value.is_object() && value.size() == 1 && value.front().is_string()) {
    const std::string key = value.begin().key();
    const auto& text = value.front().get_ref<const std::string&>();
    if (key == "$int") return big_integer(text);
    if (key == "$hex") {
      const auto bytes = parse_hex(text);
      if (!bytes) return std::nullopt;
      out.is = std::string(bytes->begin(), bytes->end());
    } else if (key == "$float") {
      out.is = text == "-0.0"   ? -0.0
               : text == "nan"  ? std::numeric_limits<double>::quiet_NaN()
               : text == "-inf" ? -HUGE_VAL
                                : HUGE_VAL;
    } else {
      out.is = struct_value::text{};
      out.truth = !text.empty();
    }
  } else {
    out.is = struct_value::text{};
    out.truth = !value.empty();
  }
  return out;
}

std::string to_json_text(const std::vector<struct_value>& values) {
  std::string out = "[";
  for (const struct_value& value : values) {
    if (out.size() > 1) out += ", ";
    if (const auto* integer = std::get_if<int128>(&value.is)) {
      append_decimal(out, *integer, 0);
    } else if (const auto* flag = std::get_if<bool>(&value.is)) {
      out += *flag ? "true" : "false";
    } else if (const auto* bytes = std::get_if<std::string>(&value.is)) {
      out += R"({"$hex": ")";
      append_hex(out, {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
      out += "\"}";
    } else if (const auto* real = std::get_if<double>(&value.is)) {
      // JSON readers drop the sign of a zero, and know neither NaN nor infinity.
      const bool minus_zero = *real == 0 && std::signbit(*real);
      const bool plain = std::isfinite(*real) && !minus_zero;
      if (!plain) out += R"({"$float": )";
      if (minus_zero)
        out += "\"-0.0\"";
      else
        append_real(out, *real);
      if (!plain) out += '}';
    }
  }
  out += ']';
  return out;
}

}  // namespace duplexd::protocol
