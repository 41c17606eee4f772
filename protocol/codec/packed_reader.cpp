// CBOR and MessagePack to JSON text.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "protocol/codec/packed_value.hpp"
#include "protocol/text/number_type.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double from_half(std::uint64_t bits) {
  const auto exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  if (exponent == 31) value = fraction == 0 ? infinity : std::numeric_limits<double>::quiet_NaN();
  return (bits & 0x8000) != 0 ? -value : value;
}

/// What both formats have in common: texts, bytes, numbers, lists and maps of values.
class reader {
 public:
  reader(bytes_view bytes, packed_format format, std::size_t depth, std::string& out)
      : bytes_(bytes), is_cbor_(format == packed_format::cbor), depth_(depth), out_(out) {}

  bool run() { return value() && (at_ == bytes_.size() || fail_length()); }
  [[nodiscard]] const json_fault& fault() const noexcept { return fault_; }

 private:
  static constexpr const char* wrong_length = "the bytes end too early or go on after the value";
  static constexpr const char* malformed = "a malformed value";

  bool fail(const char* why, std::size_t at = 0) {
    fault_ = {at, why, false};
    return false;
  }
  bool fail_length() { return fail(wrong_length, at_); }
  bool fail_end() { return fail(wrong_length, bytes_.size()); }

  bool value() { return is_cbor_ ? cbor() : msgpack(); }

  // ---- what is read
  bool number(unsigned width, std::uint64_t& out) {
    if (bytes_.size() - at_ < width) return fail_end();
    out = 0;
    for (unsigned i = 0; i < width; ++i) out = out << 8 | bytes_[at_++];
    return true;
  }
  bool take(std::uint64_t size, bytes_view& out) {
    if (bytes_.size() - at_ < size) return fail_end();
    out = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += out.size();
    return true;
  }

  // ---- what is written
  void special(const char* name, std::string_view text) {
    out_ += fmt::format(R"({{"${}":"{}"}})", name, text);
  }
  bool bytes_are(bytes_view found) {
    out_ += R"({"$bytes":")";
    append_hex(out_, found);
    out_ += "\"}";
    return true;
  }
  bool text_is(std::string_view text) {
    if (find_bad_utf8(text) != text.size())
      return fail(in_key_ ? "a key that is not UTF-8" : "a text that is not UTF-8");
    append_quoted(out_, text);
    return true;
  }
  bool text_is(bytes_view found) {
    return text_is(std::string_view(reinterpret_cast<const char*>(found.data()), found.size()));
  }
  bool word(const char* text) {
    out_ += text;
    return true;
  }
  bool natural(std::uint64_t number) {
    append_natural(out_, number);
    return true;
  }
  bool integer(std::int64_t number) {
    append_integer(out_, number);
    return true;
  }
  // -1 - `number`
  bool negative(std::uint64_t number) {
    if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return integer(-1 - static_cast<std::int64_t>(number));
    std::string digits;
    append_decimal(digits, -1 - static_cast<int128>(number), 0);
    special("int", digits);
    return true;
  }
  bool real(double number) {
    if (std::isfinite(number))
      append_real(out_, number);
    else
      special("float", std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
    return true;
  }

  // ---- lists and maps; without a count they go on to a break
  static constexpr std::uint64_t to_break = ~std::uint64_t{0};

  bool enter() {
    if (depth_ == 0) return fail("nested too deeply");
    --depth_;
    return true;
  }
  bool goes_on(std::uint64_t count, std::uint64_t done) {
    if (count != to_break) return done < count;
    if (at_ == bytes_.size() || bytes_[at_] != 0xff) return true;
    ++at_;
    return false;
  }
  bool list(std::uint64_t count) {
    if (!enter()) return false;
    out_ += '[';
    for (std::uint64_t done = 0; goes_on(count, done); ++done) {
      if (done > 0) out_ += ',';
      if (!value()) return false;
    }
    out_ += ']';
    ++depth_;
    return true;
  }

  struct entry {
    std::size_t key;    ///< where it starts in the text
    std::size_t value;  ///< and behind the colon
  };

  bool map(std::uint64_t count) {
    if (!enter()) return false;
    const std::size_t from = out_.size();
    std::vector<entry> entries;
    bool only_texts = true;
    out_ += '{';
    for (std::uint64_t done = 0; goes_on(count, done); ++done) {
      if (done > 0) out_ += ',';
      entry next{out_.size(), 0};
      in_key_ = true;
      if (!value()) return false;
      in_key_ = false;
      only_texts = only_texts && out_[next.key] == '"';
      out_ += ':';
      next.value = out_.size();
      entries.push_back(next);
      if (!value()) return false;
    }
    out_ += '}';
    if (!only_texts || is_ambiguous(entries)) write_pairs(from, entries);
    ++depth_;
    return true;
  }

  /// Whether a map of texts would be read back as something else: a key is there twice, or it looks special.
  [[nodiscard]] bool is_ambiguous(const std::vector<entry>& entries) const {
    if (entries.size() == 1) return out_[entries[0].key + 1] == '$';
    std::vector<std::string_view> keys;
    keys.reserve(entries.size());
    for (const entry& each : entries)
      keys.push_back(std::string_view(out_).substr(each.key, each.value - each.key));
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
  }

  void write_pairs(std::size_t from, const std::vector<entry>& entries) {
    std::string pairs = R"({"$map":[)";
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::size_t end = i + 1 < entries.size() ? entries[i + 1].key - 1 : out_.size() - 1;
      pairs += i > 0 ? ",[" : "[";
      pairs.append(out_, entries[i].key, entries[i].value - 1 - entries[i].key);
      pairs += ',';
      pairs.append(out_, entries[i].value, end - entries[i].value);
      pairs += ']';
    }
    out_.resize(from);
    out_ += pairs;
    out_ += "]}";
  }

  // ---- CBOR
  bool cbor() {
    if (at_ == bytes_.size()) return fail_end();
    const std::size_t head = at_;
    const unsigned major = bytes_[at_] >> 5;
    const unsigned info = bytes_[at_++] & 31;
    if (major == 7) return simple(info, head);
    const bool open = info == 31 && major >= 2 && major <= 5;
    if (major == 6 || (info > 27 && !open)) return fail(malformed, head);  // tags are refused
    std::uint64_t argument = info;
    if (info >= 24 && !open && !number(1u << (info - 24), argument)) return false;
    const std::uint64_t count = open ? to_break : std::min(argument, to_break - 1);
    if (major == 0) return natural(argument);
    if (major == 1) return negative(argument);
    if (major == 4) return list(count);
    if (major == 5) return map(count);
    bytes_view found;
    if (!open) {
      if (!take(argument, found)) return false;
      return major == 2 ? bytes_are(found) : text_is(found);
    }
    std::vector<std::uint8_t> whole;
    if (!chunks(major, whole)) return false;
    return major == 2 ? bytes_are(whole) : text_is(bytes_view(whole));
  }

  // Pieces of the same kind, each of a known size, up to a break.
  bool chunks(unsigned major, std::vector<std::uint8_t>& whole) {
    for (;;) {
      if (at_ == bytes_.size()) return fail_end();
      const std::size_t head = at_;
      const std::uint8_t first = bytes_[at_++];
      if (first == 0xff) return true;
      const unsigned info = first & 31;
      if (first >> 5 != major || info > 27) return fail(malformed, head);
      std::uint64_t size = info;
      bytes_view piece;
      if (info >= 24 && !number(1u << (info - 24), size)) return false;
      if (!take(size, piece)) return false;
      whole.insert(whole.end(), piece.begin(), piece.end());
    }
  }

  bool simple(unsigned info, std::size_t head) {
    std::uint64_t bits = 0;
    switch (info) {
      case 20:
        return word("false");
      case 21:
        return word("true");
      case 22:
        return word("null");
      case 23:
        return word(R"({"$undefined":true})");
      case 25:
        return number(2, bits) && real(from_half(bits));
      case 26:
        return number(4, bits) &&
               real(static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
      case 27:
        return number(8, bits) && real(std::bit_cast<double>(bits));
      default:
        return fail(malformed, head);
    }
  }

  // ---- MessagePack
  bool msgpack() {
    if (at_ == bytes_.size()) return fail_end();
    const std::size_t head = at_;
    const std::uint8_t first = bytes_[at_++];
    if (first < 0x80) return natural(first);
    if (first < 0x90) return map(first & 15);
    if (first < 0xa0) return list(first & 15);
    if (first < 0xc0) return sized(first & 31, 0);
    if (first >= 0xe0) return integer(static_cast<std::int8_t>(first));
    std::uint64_t n = 0;
    switch (first) {
      case 0xc0:
        return word("null");
      case 0xc2:
        return word("false");
      case 0xc3:
        return word("true");
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return number(1u << (first - 0xc4), n) && sized(n, 1);
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return number(1u << (first - 0xc7), n) && sized(n, 2);
      case 0xca:
        return number(4, n) && real(static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(n))));
      case 0xcb:
        return number(8, n) && real(std::bit_cast<double>(n));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return number(1u << (first - 0xcc), n) && natural(n);
      case 0xd0:
        return number(1, n) && integer(static_cast<std::int8_t>(n));
      case 0xd1:
        return number(2, n) && integer(static_cast<std::int16_t>(n));
      case 0xd2:
        return number(4, n) && integer(static_cast<std::int32_t>(n));
      case 0xd3:
        return number(8, n) && integer(static_cast<std::int64_t>(n));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return number(1u << (first - 0xd9), n) && sized(n, 0);
      case 0xdc:
      case 0xdd:
        return number(first == 0xdc ? 2 : 4, n) && list(n);
      case 0xde:
      case 0xdf:
        return number(first == 0xde ? 2 : 4, n) && map(n);
      case 0xc1:
        return fail(malformed, head);
      default:
        return sized(std::uint64_t{1} << (first - 0xd4), 2);
    }
  }

  /// A text (0), bytes (1), or an extension (2), whose type stands in front.
  bool sized(std::uint64_t size, int kind) {
    std::uint64_t type = 0;
    bytes_view found;
    if ((kind == 2 && !number(1, type)) || !take(size, found)) return false;
    if (kind == 0) return text_is(found);
    if (kind == 1) return bytes_are(found);
    out_ += R"({"$ext":[)";
    append_integer(out_, static_cast<std::int8_t>(type));
    out_ += ",\"";
    append_hex(out_, found);
    out_ += "\"]}";
    return true;
  }

  bytes_view bytes_;
  bool is_cbor_;
  std::size_t depth_;
  std::string& out_;
  std::size_t at_ = 0;
  bool in_key_ = false;
  json_fault fault_;
};

}  // namespace

std::optional<json_fault> read_packed(bytes_view bytes, packed_format format, std::size_t depth,
                                      std::string& json) {
  const std::size_t before = json.size();
  reader from(bytes, format, depth, json);
  if (from.run()) return std::nullopt;
  json.resize(before);
  return from.fault();
}

}  // namespace duplexd::protocol
