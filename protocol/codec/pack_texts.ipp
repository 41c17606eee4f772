// Part of the packer: texts and bytes.
#pragma once

#include "protocol/codec/pack_walk.ipp"
#include "protocol/codec/packed_value.hpp"
#include "protocol/codec/pairs.hpp"
#include "protocol/text/foreign_text.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

inline bool packer::blob_bytes(const instruction& in, const ordered_json& value, std::string& bytes) {
  switch (in.what) {
    case content::json:
      if (append_json(bytes, value, p_.style)) return true;
      return fail(in, "a text in it is not UTF-8");
    case content::cbor:
    case content::msgpack: {
      const bool is_cbor = in.what == content::cbor;
      std::string wrong = write_packed(value, is_cbor ? packed_format::cbor : packed_format::msgpack, bytes);
      return wrong.empty() || fail(in, std::move(wrong));
    }
    case content::pairs: {
      std::string wrong = write_pairs(value, p_.pairs[in.its<pairs_rule>()], p_.limits.elements, bytes);
      return wrong.empty() || fail(in, std::move(wrong));
    }
    case content::message: {
      std::vector<std::uint8_t> packed;
      auto wrong = p_.messages[in.its<embedded_message>()]->pack(value, packed);
      bytes.assign(packed.begin(), packed.end());
      if (!wrong) return true;
      error_ = std::move(*wrong);
      error_.offset = out_.size() - base_;
      return under(in, false);
    }
    default:
      break;
  }
  if (!value.is_string()) return fail(in, fmt::format("expected a text, found {}", kind_of(value)));
  const auto& text = value.get_ref<const std::string&>();
  const bool raw = in.what == content::bytes || in.what == content::base64 ||
                   (in.what == content::pascal && in.positional);
  if (raw) {
    const auto parsed = in.what == content::base64 ? parse_base64(text) : parse_hex(text);
    if (!parsed)
      return fail(
          in, in.what == content::base64 ? "expected base64 text" : "expected hex digits, two for each byte");
    bytes.assign(parsed->begin(), parsed->end());
    return true;
  }
  if (find_bad_utf8(text) != text.size()) return fail(in, "the text is not UTF-8");
  bytes = in.what == content::utf16 ? utf16_of(text, in.big) : text;
  return true;
}

// The bytes of a text or bytes field, or what its constant or standard value says.
inline bool packer::contents(const instruction& in, std::string& bytes) {
  const ordered_json* value = given(in);
  if (value == nullptr) {
    if (!in.text) return missing(in);
    bytes = p_.texts[in.text];
    return true;
  }
  if (!blob_bytes(in, *value, bytes)) return false;
  if (in.its<names_rule>()) {
    const auto& allowed = p_.enums[in.its<names_rule>()].names;
    const auto same = [&](const auto& each) { return each.second == bytes; };
    if (std::none_of(allowed.begin(), allowed.end(), same))
      return fail(in, "a text that is not allowed here");
  }
  if (in.from != value_source::constant || bytes == p_.texts[in.text]) return true;
  return fail(in, "it is constant, and the value is another one");
}

inline bool packer::blob(const instruction& in) {
  std::string bytes;
  if (!contents(in, bytes)) return false;
  const extent& e = p_.extents[in.size];
  if (e.what == extent::kind::fixed) {
    const auto size = static_cast<std::size_t>(e.value);
    if (in.what == content::pascal) {
      if (bytes.size() > 255 || (bytes.size() + 1 > size && !(size == 0 && bytes.empty())))
        return fail(in,
                    fmt::format("{} bytes do not fit {}, one of which is the length", bytes.size(), size));
      if (size > 0) bytes.insert(bytes.begin(), static_cast<char>(bytes.size()));
      bytes.resize(size);
    }
    if (in.what == content::padded_text || in.what == content::utf16) {
      if (bytes.size() > size) return fail(in, fmt::format("{} bytes do not fit {}", bytes.size(), size));
      bytes.resize(size);
    }
  }
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return settle(in, in.size, bytes.size(), "bytes");
}

inline bool packer::zero_text(const instruction& in) {
  std::string bytes;
  if (!contents(in, bytes)) return false;
  if (bytes.find('\0') != std::string::npos) return fail(in, "the text holds a zero byte");
  bytes.push_back('\0');
  const extent& e = p_.extents[in.size];
  if (e.what == extent::kind::fixed) {
    if (bytes.size() > static_cast<std::size_t>(e.value))
      return fail(in, fmt::format("{} bytes with the zero byte do not fit {}", bytes.size(), e.value));
    bytes.resize(static_cast<std::size_t>(e.value));
  }
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return settle(in, in.size, bytes.size(), "bytes");
}

inline bool packer::until(const instruction& in) {
  std::string bytes;
  if (!contents(in, bytes)) return false;
  const extent& e = p_.extents[in.size];
  const std::string& end = p_.texts[e.end];
  const std::size_t size = bytes.size();
  if (size > static_cast<std::size_t>(e.value))
    return fail(in, fmt::format("{} bytes, more than the {} before its end", size, e.value));
  bytes += end;
  // A value may end in a part of the terminator, and be cut short by that.
  if (bytes.find(end) != size)
    return fail(in, fmt::format("it holds \"{}\", where it would end", one_line(end)));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
