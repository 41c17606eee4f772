#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/codec/struct_code.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// A value as Python's struct sees it.
struct struct_value {
  struct text {};  ///< a str, None, a list …: something that only '?' takes
  struct huge {    ///< an integer outside 128 bits: only floating-point codes take it
    double nearest = 0;
  };
  std::variant<int128, double, bool, std::string, text, huge> is{int128{0}};  ///< std::string: bytes
  bool truth = false;                                                         ///< for '?' of a `text`
};

/// One code of a format with the count in front of it.
struct struct_part {
  char name = 'x';
  std::size_t count = 1;
  struct_code code;
  std::size_t at = 0;  ///< where the part starts in the format: at its count
};

/// Reads the part of a format that comes next, from `at` on, which moves behind it. False at the end, and if
/// there is something that CPython refuses: then `error` says what, and `at` is where.
[[nodiscard]] bool read_struct_part(std::string_view format, bool native, std::size_t& at, struct_part& out,
                                    std::string& error);

/// The byte order that a format begins with, or '@', struct's own; `at` moves behind it.
[[nodiscard]] char read_struct_order(std::string_view format, std::size_t& at) noexcept;

/// A format string of Python's struct, compiled. Accepts and refuses what CPython 3.11 does, and gives the
/// same bytes and values. A plain value type without thread rules.
class struct_format {
 public:
  /// Compiles a format; nothing, and a reason in `error`, for what CPython refuses.
  [[nodiscard]] static std::optional<struct_format> parse(std::string_view format, std::string& error);

  /// calcsize: bytes of what it packs.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// How many values it takes.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  /// Appends the packed bytes. On an error `out` is as before.
  [[nodiscard]] bool pack(const std::vector<struct_value>& values, std::vector<std::uint8_t>& out,
                          std::string& error) const;

  /// Appends the values of exactly `size()` bytes. On an error `out` is as before.
  [[nodiscard]] bool unpack(bytes_view from, std::vector<struct_value>& out, std::string& error) const;

 private:
  struct item {
    struct_code code;
    char name = 'x';
    std::size_t repeat = 1;  ///< values; of s and p one value of `length` bytes
    std::size_t length = 1;
    std::size_t offset = 0;
  };
  bool native_ = true;
  bool big_ = false;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::vector<item> items_;

  std::string put(const item& what, std::uint8_t* to, std::size_t room, const struct_value& value) const;
  struct_value get(const item& what, const std::uint8_t* from) const;
};

/// Values as JSON: bytes are {"$hex": "…"}, integers beyond 64 bits {"$int": "…"}, NaN and infinities
/// {"$float": "nan"}, other texts {"$str": "…"}.
[[nodiscard]] std::optional<struct_value> struct_value_from(const nlohmann::ordered_json& value);
[[nodiscard]] std::string to_json_text(const std::vector<struct_value>& values);

}  // namespace duplexd::protocol
