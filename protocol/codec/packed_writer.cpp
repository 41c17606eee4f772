// JSON values to CBOR and MessagePack.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "protocol/codec/packed_value.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class writer {
 public:
  writer(packed_format format, std::string& out) : is_cbor_(format == packed_format::cbor), out_(out) {}

  bool value(const ordered_json& from) {
    if (from.is_array()) {
      head(list_kind, from.size());
      return std::all_of(from.begin(), from.end(), [&](const ordered_json& each) { return value(each); });
    }
    if (!from.is_object()) return scalar(from);
    if (from.size() == 1 && from.begin().key().starts_with('$'))
      if (const auto done = special(from.begin().key(), from.begin().value())) return *done;
    head(map_kind, from.size());
    for (const auto& [key, each] : from.items())
      if (!scalar(key) || !value(each)) return false;
    return true;
  }
  [[nodiscard]] std::string take_error() { return std::move(error_); }

 private:
  enum kind : std::uint8_t { bytes_kind, list_kind, map_kind };

  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  void big(std::uint64_t value, unsigned width) {
    for (unsigned i = width; i > 0; --i) out_ += static_cast<char>(value >> (8 * (i - 1)) & 0xff);
  }

  void cbor_head(unsigned major, std::uint64_t value) {
    const unsigned wide = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value >> 32 == 0 ? 4 : 8;
    const auto info = wide == 0 ? value : 24u + static_cast<unsigned>(std::countr_zero(wide));
    out_ += static_cast<char>(major << 5 | info);
    big(value, wide);
  }

  void head(kind what, std::size_t size) {
    if (is_cbor_) return cbor_head(what == bytes_kind ? 2 : what == list_kind ? 4 : 5, size);
    if (what != bytes_kind && size < 16) {
      out_ += static_cast<char>((what == list_kind ? 0x90 : 0x80) + size);
      return;
    }
    if (what == bytes_kind && size < 0x100) {
      out_ += '\xc4';
      return big(size, 1);
    }
    const bool small = size < 0x10000;
    const unsigned first = what == bytes_kind ? 0xc5 : what == list_kind ? 0xdc : 0xde;
    out_ += static_cast<char>(first + (small ? 0 : 1));
    big(size, small ? 2 : 4);
  }

  bool scalar(const ordered_json& from) {
    const auto packed = is_cbor_ ? ordered_json::to_cbor(from) : ordered_json::to_msgpack(from);
    out_.append(packed.begin(), packed.end());
    return true;
  }

  bool raw(const ordered_json& hex, const char* name) {
    const auto bytes = hex.is_string() ? parse_hex(hex.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes) return fail(fmt::format("{} takes hex digits, two for each byte", name));
    head(bytes_kind, bytes->size());
    out_.append(bytes->begin(), bytes->end());
    return true;
  }

  /// Nothing: it is a map like any other.
  std::optional<bool> special(const std::string& name, const ordered_json& from) {
    if (name == "$bytes") return raw(from, "$bytes");
    if (name == "$map") return pairs(from);
    if (name == "$float") return real(from);
    if (name == "$int") return integer(from);
    if (name == "$ext") return extension(from);
    if (name != "$undefined") return std::nullopt;
    if (!is_cbor_) return fail("MessagePack has no undefined");
    out_ += '\xf7';
    return true;
  }

  bool pairs(const ordered_json& from) {
    const auto is_pair = [](const ordered_json& each) { return each.is_array() && each.size() == 2; };
    if (!from.is_array() || !std::all_of(from.begin(), from.end(), is_pair))
      return fail("$map takes a list of pairs, [key, value]");
    head(map_kind, from.size());
    return std::all_of(from.begin(), from.end(),
                       [&](const ordered_json& each) { return value(each[0]) && value(each[1]); });
  }

  bool real(const ordered_json& from) {
    if (from == "nan") return scalar(std::numeric_limits<double>::quiet_NaN());
    if (from == "inf") return scalar(infinity);
    if (from == "-inf") return scalar(-infinity);
    return fail("$float takes nan, inf or -inf");
  }

  bool integer(const ordered_json& from) {
    const std::string text = from.is_string() ? from.get<std::string>() : std::string{};
    const bool below = text.starts_with('-');
    std::string digits = text.substr(below ? 1 : 0);
    std::uint64_t number = 0;
    // The least is one more than the greatest natural number: it is taken as that one.
    const bool least = below && digits == "18446744073709551616";
    if (least) digits = "18446744073709551615";
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
      return fail("$int takes the digits of an integer from -2^64 to 2^64-1");
    if (!below || number == 0) return scalar(number);
    if (is_cbor_) {
      cbor_head(1, least ? number : number - 1);
      return true;
    }
    if (number > std::uint64_t{1} << 63) return fail("MessagePack has no integers below -2^63");
    return scalar(static_cast<std::int64_t>(~number + 1));
  }

  bool extension(const ordered_json& from) {
    if (is_cbor_) return fail("CBOR has no extensions of MessagePack");
    const bool good = from.is_array() && from.size() == 2 && from[0].is_number_integer() && from[0] >= -128 &&
                      from[0] <= 127 && from[1].is_string();
    const auto bytes = good ? parse_hex(from[1].get_ref<const std::string&>()) : std::nullopt;
    if (!bytes) return fail("$ext takes [type, hex digits]");
    const std::size_t size = bytes->size();
    if (std::has_single_bit(size) && size <= 16) {
      out_ += static_cast<char>(0xd4 + std::countr_zero(size));
    } else {
      const unsigned wide = size < 0x100 ? 0 : size < 0x10000 ? 1 : 2;
      out_ += static_cast<char>(0xc7 + wide);
      big(size, 1u << wide);
    }
    out_ += static_cast<char>(from[0].get<int>());
    out_.append(bytes->begin(), bytes->end());
    return true;
  }

  bool is_cbor_;
  std::string& out_;
  std::string error_;
};

}  // namespace

std::string write_packed(const ordered_json& value, packed_format format, std::string& bytes) {
  writer to(format, bytes);
  if (!to.value(value)) return to.take_error();
  return {};
}

}  // namespace duplexd::protocol
