#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/codec/expression.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/number_type.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

/// What one instruction does. Instructions with a body are followed by it; `next` is where it ends.
enum class op : std::uint8_t {
  number,     ///< a number, whatever its form in JSON
  blob,       ///< text or bytes
  zero_text,  ///< text that ends with a zero byte
  pad,        ///< `constant` bytes that mean nothing: zeros when packing
  align,      ///< pad until the place in the region is a multiple of `constant`
  object,     ///< body: the members of a map (of a list if `positional`)
  array,      ///< body: one element
  region,     ///< body: a layout within `extent` bytes
  choose,     ///< body: the cases, one after the other; `side` is the table
  require,    ///< an expression that must hold; takes no bytes
  view,       ///< a value computed from others; takes no bytes
  nested,     ///< body: a layout for the bytes that come out of decompression or zero filling
  frames,     ///< the rest of the region is a list of packets of the routine in `side`
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
enum class content : std::uint8_t { text, padded_text, bytes, base64, json, cbor, msgpack, pascal };

/// What happens to bytes that a layout leaves over in its region.
enum class trailing : std::uint8_t { refuse, drop, keep };

/// How many bytes or elements.
struct extent {
  enum class kind : std::uint8_t { rest, fixed, linear, computed };
  kind what = kind::rest;
  std::int64_t value = 0;  ///< fixed
  std::int32_t slot = -1;  ///< linear: slot * factor + offset, so that packing can turn it round
  std::int64_t factor = 1;
  std::int64_t offset = 0;
  std::int32_t expr = -1;  ///< linear and computed: the expression as written
};

struct instruction {
  op code = op::number;
  number_type type = number_type::u8;
  form as = form::plain;
  value_source from = value_source::given;
  content what = content::text;
  trailing left = trailing::refuse;
  bool big = false;
  bool hidden = false;           ///< its name starts with '_': not shown, but the command may give it
  bool positional = false;       ///< object: a list by position; its members have no keys
  bool simple = false;           ///< a visible named integer, plain or with fixed decimals: the hot path
  bool strict = false;           ///< of names: unknown numbers are errors
  bool helper = false;           ///< a length or count prefix: the command never gives it
  std::uint8_t limit = 10;       ///< bytes of a varint
  std::int32_t name = -1;        ///< -1: an array's element, or helper without name
  std::int32_t slot = -1;        ///< register that takes the value
  std::int32_t begin_mark = -1;  ///< registers that take its first and end offset, for checksums
  std::int32_t end_mark = -1;
  std::int32_t size = -1;   ///< extent: bytes
  std::int32_t count = -1;  ///< extent: elements
  std::int32_t expr = -1;
  std::int32_t side = -1;  ///< entry of the table that goes with `code` or `as`
  std::int32_t text = -1;  ///< constant text or bytes
  std::int32_t next = 0;
  std::int64_t constant = 0;
  std::optional<std::int64_t> none;  ///< this raw number means null
};

/// A field's name, and its JSON key ready to be copied: `,"name":`.
struct field_name {
  std::string text;
  std::string key;
};

/// value = raw * factor / divisor / 10^places; `divisor_expr` is a further divisor known only with the
/// packet.
struct scale_rule {
  std::int64_t factor = 1;
  std::int64_t divisor = 1;
  unsigned places = 0;
  unsigned all_places = 0;  ///< `simple`: places of factor 1 over a power of ten
  std::int32_t divisor_expr = -1;
};

struct names_rule {
  std::vector<std::pair<std::int64_t, std::string>> names;  ///< by number
};

/// A bit field: most significant first.
struct bit_member {
  std::int32_t name = -1;
  unsigned shift = 0;
  unsigned width = 1;
  bool hidden = false;
  bool boolean = false;
  std::int32_t slot = -1;
  std::int32_t names = -1;
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
  std::int32_t key_slot = -1;  ///< the expression is just this slot
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
  std::int32_t from_mark = -1;   ///< -1: the region's begin
  std::int32_t to_mark = -1;     ///< end of a field; -1: the checksum itself
  bool over_rest = false;        ///< covers what follows in the region
  std::int32_t extra_expr = -1;  ///< one more byte at the end
};

enum class transform_kind : std::uint8_t { zlib, gzip, deflate, brotli, zstd, fill };
struct transform_rule {
  transform_kind kind = transform_kind::zlib;
  std::int64_t fill = 0;  ///< bytes that cut zeros are restored to
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
  bool strip = false;  ///< layouts do not see the length
};

struct routine {
  std::int32_t begin = 0;
  std::int32_t end = 0;
};

/// A layout, compiled: one flat list of instructions that defines unpacking, packing, bounds and derivation.
/// Immutable once made.
struct program {
  std::vector<instruction> code;
  std::vector<field_name> names;
  std::vector<extent> extents;
  std::vector<expression> expressions;
  std::vector<std::string> texts;
  std::vector<scale_rule> scales;
  std::vector<time_unit> times;
  std::vector<names_rule> enums;
  std::vector<bits_rule> bits;
  std::vector<choice_rule> choices;
  std::vector<view_rule> views;
  std::vector<checksum_rule> checksums;
  std::vector<transform_rule> transforms;
  std::vector<routine> routines;  ///< [0] is the layout itself, the others are packets within packets
  std::size_t slots = 0;          ///< at most slot_limit
  std::size_t min_size = 0;       ///< bytes of the shortest packet
  json_style style = json_style::python;
  codec_limits limits;
  std::optional<framing_rule> framing;
};
inline constexpr std::size_t slot_limit = 128;
inline constexpr std::size_t program_limit = 20'000;  ///< instructions of one message type

}  // namespace duplexd::protocol
