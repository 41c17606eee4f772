#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/codec/expression.hpp"
#include "protocol/codec/message_codec.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/number_type.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

/// What one instruction does. Instructions with a body are followed by it; `next` is where it ends.
enum class op : std::uint8_t {
  number,     ///< a number, whatever its form in JSON
  blob,       ///< text or bytes
  zero_text,  ///< text that ends with a zero byte
  until,      ///< text or bytes up to the terminator of their extent
  pad,        ///< `constant` bytes that mean nothing: zeros when packing
  align,      ///< pad until the place in the region is a multiple of `constant`
  object,     ///< body: the members of a map (of a list if `positional`)
  array,      ///< body: one element
  region,     ///< body: a layout within `extent` bytes
  choose,     ///< body: the cases, one after the other; `rule` says which
  require,    ///< an expression that must hold; takes no bytes
  view,       ///< a value computed from others; takes no bytes
  nested,     ///< body: a layout for the bytes that come out of decompression or zero filling
  frames,     ///< the rest of the region is a list of packets, each of one routine
  nullable,   ///< body: one value; null where the register of `size` holds `constant`
  list,       ///< body: one element; as many as come before the terminator of `count`
  placed,     ///< body: one value, elsewhere in the region: at the offset `size`; null if that is `none`
};

/// How a number shows in JSON.
enum class form : std::uint8_t { plain, scaled, time, names, flags, bits, checksum, bits_boolean };

/// Where a number comes from when packing.
enum class value_source : std::uint8_t {
  given,     ///< the command's value
  derived,   ///< size or count of something later, unless the command gives it
  constant,  ///< fixed; checked when unpacking
  computed,  ///< an expression, checked when unpacking, unless the command gives it
  standard,  ///< the command's value, or this one
};

/// What a blob's bytes are.
enum class content : std::uint8_t {
  text,
  padded_text,
  bytes,
  base64,
  json,
  cbor,
  msgpack,
  pascal,
  utf16,
  pairs,
  message  ///< of another notation
};

/// What happens to bytes that a layout leaves over in its region.
enum class trailing : std::uint8_t { refuse, drop, keep };

/// The place of a T in its table, or none.
template <class T>
class id {
 public:
  constexpr id() = default;
  constexpr explicit id(std::size_t index) noexcept : index_(static_cast<std::int32_t>(index)) {}
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return index_ >= 0; }
  [[nodiscard]] constexpr std::size_t index() const noexcept { return static_cast<std::size_t>(index_); }
  friend constexpr bool operator==(id, id) = default;

 private:
  std::int32_t index_ = -1;
};

/// What is found by its id.
template <class T>
struct table : std::vector<T> {
  using std::vector<T>::operator[];
  const T& operator[](id<T> at) const noexcept { return (*this)[at.index()]; }
  T& operator[](id<T> at) noexcept { return (*this)[at.index()]; }
  id<T> add(T value) {
    this->push_back(std::move(value));
    return id<T>(this->size() - 1);
  }
};

struct field_name;
struct extent;
struct scale_rule;
struct names_rule;
struct bits_rule;
struct choice_rule;
struct view_rule;
struct checksum_rule;
struct transform_rule;
struct pairs_rule;
struct routine;
using name_id = id<field_name>;
using extent_id = id<extent>;
using expression_id = id<expression>;
/// One of the registers that a walk over a packet has: values of fields, and places of their bytes.
using slot_id = id<struct slot>;

/// How many bytes or elements.
struct extent {
  enum class kind : std::uint8_t { rest, fixed, linear, computed, until };
  kind what = kind::rest;
  std::int64_t value = 0;  ///< fixed; until: at most
  slot_id slot{};          ///< linear: slot * factor + offset, so that packing can turn it round
  std::int64_t factor = 1;
  std::int64_t offset = 0;
  expression_id expr{};   ///< linear and computed: the expression as written
  id<std::string> end{};  ///< until: the terminator, which is not counted; of a list, too
};

struct instruction {
  op code = op::number;
  number_type type = number_type::u8;
  form as = form::plain;
  value_source from = value_source::given;
  content what = content::text;
  trailing left = trailing::refuse;
  bool big = false;
  bool hidden = false;      ///< its name starts with '_': not shown, but the command may give it
  bool positional = false;  ///< object: a list by position; its members have no keys
  bool simple = false;      ///< a visible named integer, plain or with fixed decimals: the hot path
  bool strict = false;      ///< of names: unknown numbers are errors
  bool replaces = false;    ///< of texts: what is not UTF-8 (UTF-16) is replaced
  bool carries = false;     ///< of texts: a character that is cut goes on in the next packet
  bool helper = false;      ///< a length or count prefix: the command never gives it
  std::uint8_t limit = 10;  ///< bytes of a varint
  name_id name{};           ///< none: an array's element, or helper without name
  slot_id slot{};           ///< register that takes the value
  slot_id begin_mark{};     ///< registers that take its first and end offset, for checksums
  slot_id end_mark{};
  extent_id size{};   ///< bytes
  extent_id count{};  ///< elements
  expression_id expr{};
  id<std::string> text{};  ///< constant text or bytes
  /// What goes with `code` or `as`.
  std::variant<std::monostate, id<names_rule>, id<scale_rule>, id<time_unit>, id<bits_rule>, id<choice_rule>,
               id<view_rule>, id<checksum_rule>, id<transform_rule>, id<routine>, id<pairs_rule>,
               id<embedded_message>>
      rule{};
  std::int32_t next = 0;
  std::int64_t constant = 0;
  std::optional<std::int64_t> none;  ///< this raw number means null; of `placed` the offset's

  /// `rule`, if it is of that kind.
  template <class T>
  [[nodiscard]] id<T> its() const noexcept {
    const auto* found = std::get_if<id<T>>(&rule);
    return found == nullptr ? id<T>() : *found;
  }
};

/// A field's name, and its JSON key ready to be copied: `,"name":`.
struct field_name {
  std::string text;
  std::string key;
};

/// value = (raw * factor + offset) / divisor / 10^places; `divisor_expr` is a further divisor known only with
/// the packet, and then there is no offset.
struct scale_rule {
  std::int64_t factor = 1;
  std::int64_t divisor = 1;
  std::int64_t offset = 0;
  unsigned places = 0;
  unsigned all_places = 0;  ///< `simple`: places of factor 1 over a power of ten
  expression_id divisor_expr{};
};

struct names_rule {
  std::vector<std::pair<std::int64_t, std::string>> names;  ///< by number
};

/// A bit field: most significant first.
struct bit_member {
  name_id name{};
  unsigned shift = 0;
  unsigned width = 1;
  bool hidden = false;
  bool boolean = false;
  slot_id slot{};
  id<names_rule> names{};
  value_source from = value_source::given;
  std::int64_t constant = 0;
};
struct bits_rule {
  std::vector<bit_member> members;
  bool spliced = false;  ///< members belong to the surrounding map
};

struct choice_case {
  std::int64_t label = 0;
  std::int32_t begin = 0;
  std::int32_t end = 0;
};
struct choice_rule {
  bool is_if = false;
  std::vector<choice_case> cases;  ///< by label
  bool has_otherwise = false;
  choice_case otherwise;
  slot_id key_slot{};  ///< the expression is just this slot
};

struct view_value {
  enum class kind : std::uint8_t { number, text };
  kind what = kind::number;
  std::int64_t number = 0;
  std::string text;
};
struct view_rule {
  bool mapped = false;
  std::vector<std::pair<std::int64_t, view_value>> map;
  std::optional<view_value> otherwise;
};

enum class checksum_kind : std::uint8_t {
  crc32,
  crc32c,
  crc16_arc,
  crc16_modbus,
  crc16_x25,
  crc16_ccitt_false,
  crc16_xmodem,
  crc16_kermit,
  sum8,
  xor8,
};
struct checksum_rule {
  checksum_kind kind = checksum_kind::crc32;
  slot_id from_mark{};         ///< none: the region's begin
  slot_id to_mark{};           ///< end of a field; none: the checksum itself
  bool over_rest = false;      ///< covers what follows in the region
  expression_id extra_expr{};  ///< one more byte at the end
};

enum class transform_kind : std::uint8_t { zlib, gzip, deflate, brotli, zstd, fill, hex, base64 };
struct transform_rule {
  transform_kind kind = transform_kind::zlib;
  std::int64_t fill = 0;  ///< bytes that cut zeros are restored to
};

/// How a text holds pairs of a key and a value.
struct pairs_rule {
  std::string separator;
  std::string equals;
  bool closed = false;                                       ///< a separator stands behind the last one, too
  bool percent = false;                                      ///< %XX stands for a byte
  std::vector<std::pair<std::string, std::string>> escapes;  ///< in the text, and what each stands for
};

/// Ceilings against hostile packets. `elements` and `inflated` are for the whole packet.
struct codec_limits {
  std::size_t elements = 100'000;
  std::size_t inflated = 16u << 20;
  std::size_t nesting = 16;
  std::size_t json_depth = 64;
  std::size_t packet = 16u << 20;  ///< stream framing: bytes of one packet
};

/// How packets are cut out of messages.
struct framing_rule {
  number_type type = number_type::u32;
  bool big = true;
  std::uint8_t limit = 4;
  std::size_t at = 0;
  bool counts_all = false;
  std::int64_t add = 0;
  bool stream = false;
  bool strip = false;       ///< layouts do not see the length
  std::string delimiter{};  ///< stands behind each packet, of text messages too; empty: there is a length
  bool lines = false;       ///< a carriage return in front of the delimiter belongs to it
  bool layouts = false;     ///< nothing of the above: a packet is as long as its layout says, always a stream
};

struct routine {
  std::int32_t begin = 0;
  std::int32_t end = 0;
};

/// A layout, compiled: one flat list of instructions that defines unpacking, packing, bounds and derivation.
/// Immutable once made.
struct program {
  std::vector<instruction> code;
  table<field_name> names;
  table<extent> extents;
  table<expression> expressions;
  table<std::string> texts;
  table<scale_rule> scales;
  table<time_unit> times;
  table<names_rule> enums;
  table<bits_rule> bits;
  table<choice_rule> choices;
  table<view_rule> views;
  table<checksum_rule> checksums;
  table<transform_rule> transforms;
  table<pairs_rule> pairs;
  table<embedded_message> messages;
  table<routine> routines;   ///< [0] is the layout itself, the others are packets within packets
  std::size_t slots = 0;     ///< at most slot_limit
  std::size_t min_size = 0;  ///< bytes of the shortest packet
  json_style style = json_style::python;
  codec_limits limits;
  std::optional<framing_rule> framing;
};
inline constexpr std::size_t slot_limit = 128;
inline constexpr std::size_t program_limit = 20'000;  ///< instructions of one message type

}  // namespace duplexd::protocol
