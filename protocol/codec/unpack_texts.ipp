// Part of the unpacker: texts and bytes.
#pragma once

#include "protocol/codec/unpack_walk.ipp"
#include "protocol/text/foreign_text.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::protocol {
namespace {

template <class Visitor>
inline bool unpacker<Visitor>::blob(const instruction& in) {
  std::size_t size = 0;
  const std::size_t from = pos_;
  if constexpr (Visitor::measures)
    if (is_open() && !may_begin(in)) return false;
  if (!measure_bytes(in, in.size, size)) return false;
  bytes_view bytes = data_.subspan(pos_, size);
  pos_ += size;
  place(from, in);
  if (in.what == content::padded_text)
    while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  if (in.what == content::pascal && !bytes.empty())
    bytes = bytes.subspan(1, std::min<std::size_t>(bytes[0], bytes.size() - 1));
  return contents(in, from, bytes);
}

template <class Visitor>
inline bool unpacker<Visitor>::contents(const instruction& in, std::size_t from, bytes_view bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (in.from == value_source::constant && !same_text(in, from, text)) return false;
  if constexpr (Visitor::measures) return true;
  switch (in.what) {
    case content::bytes:
    case content::base64:
      if (in.hidden) return true;
      announce(in);
      in.what == content::bytes ? visitor_.hex(bytes) : visitor_.base64(bytes);
      return true;
    case content::json:
      return json(in, from, text);
    case content::cbor:
    case content::msgpack:
      return packed_value(in, from, bytes);
    case content::utf16:
      return utf16(in, from, bytes);
    case content::pairs:
      return pairs(in, from, text);
    case content::message:
      return message(in, from, bytes);
    default:
      return plain_text(in, from, text);
  }
}

template <class Visitor>
inline bool unpacker<Visitor>::same_text(const instruction& in, std::size_t from, std::string_view found) {
  const std::string& want = p_.texts[in.text];
  if (found == want) return true;
  std::string shown;
  append_hex(shown, data_.subspan(from, std::min<std::size_t>(pos_ - from, 32)));
  std::string wanted;
  append_hex(wanted,
             {reinterpret_cast<const std::uint8_t*>(want.data()), std::min<std::size_t>(want.size(), 32)});
  return fail(in, from, fmt::format("expected bytes {}, found {}", wanted, shown.empty() ? "none" : shown));
}

template <class Visitor>
inline bool unpacker<Visitor>::plain_text(const instruction& in, std::size_t from, std::string_view text) {
  const std::size_t bad = find_bad_utf8(text);
  if (bad != text.size()) {
    if (!in.replaces) return fail(in, from + bad, "not UTF-8 (a field of type bytes takes anything)");
    std::string& good = shared_scratch();
    good = replace_bad_utf8(text);
    text = good;
  }
  if (in.its<names_rule>()) {
    const auto& allowed = p_.enums[in.its<names_rule>()].names;
    const auto same = [&](const auto& each) { return each.second == text; };
    if (std::none_of(allowed.begin(), allowed.end(), same))
      return fail(in, from, "a text that is not allowed here");
  }
  if (in.hidden) return true;
  announce(in);
  visitor_.text(text);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::utf16(const instruction& in, std::size_t from, bytes_view bytes) {
  if (p_.extents[in.size].what == extent::kind::fixed)
    while (bytes.size() > 1 && bytes.back() == 0 && bytes[bytes.size() - 2] == 0)
      bytes = bytes.first(bytes.size() - 2);
  std::string text;
  std::size_t bad = 0;
  if (!append_from_utf16(text, bytes, in.big, in.replaces, bad))
    return fail(in, from + bad,
                bad + 1 == bytes.size() ? "UTF-16 has two bytes for each unit, one is left"
                                        : "not UTF-16: half of a pair");
  return plain_text(in, from, text);
}

template <class Visitor>
inline bool unpacker<Visitor>::json(const instruction& in, std::size_t from, std::string_view text) {
  const std::size_t depth = p_.limits.json_depth;
  std::optional<std::string> plain;  // what Python takes beside JSON, as JSON
  const auto read = [&](auto way) {
    std::optional<json_fault> fault = way(text);
    if (fault && !fault->too_deep && p_.style == json_style::python) plain = replace_non_finite(text);
    return plain ? way(*plain) : fault;
  };
  std::optional<json_fault> fault;
  if (in.hidden || std::is_same_v<Visitor, null_visitor>) {
    fault = read([&](std::string_view from_text) { return check_json(from_text, depth); });
  } else if constexpr (std::is_same_v<Visitor, json_writer>) {
    announce(in);
    fault = read([&](std::string_view from_text) { return visitor_.copy(from_text, depth); });
  } else {
    std::string& checked = shared_scratch();
    fault = read([&](std::string_view from_text) { return copy_json(from_text, checked, depth); });
    if (!fault) announce(in);
    if (!fault) visitor_.json(checked);
  }
  return !fault || fail(in, from + fault->offset, fmt::format("not JSON: {}", fault->message));
}

template <class Visitor>
inline bool unpacker<Visitor>::packed_value(const instruction& in, std::size_t from, bytes_view bytes) {
  const bool is_cbor = in.what == content::cbor;
  std::string& found = shared_scratch();
  found.clear();
  const auto fault =
      read_packed(bytes, is_cbor ? packed_format::cbor : packed_format::msgpack, p_.limits.json_depth, found);
  if (fault)
    return fail(in, from + fault->offset,
                fmt::format("not {}: {}", is_cbor ? "CBOR" : "MessagePack", fault->message));
  return made(in, found);
}

template <class Visitor>
inline bool unpacker<Visitor>::pairs(const instruction& in, std::size_t from, std::string_view text) {
  std::string& found = shared_scratch();
  std::size_t left = p_.limits.elements - budget_.elements;
  const auto fault = read_pairs(text, p_.pairs[in.its<pairs_rule>()], left, found);
  budget_.elements = p_.limits.elements - left;
  if (fault) return fail(in, from + fault->offset, fault->message);
  return made(in, found);
}

// Its JSON may be longer than the bytes are.
template <class Visitor>
inline bool unpacker<Visitor>::message(const instruction& in, std::size_t from, bytes_view bytes) {
  std::string found;
  if (!p_.messages[in.its<embedded_message>()]->unpack(bytes, found, error_)) {
    error_.offset += from;
    return under(in, false);
  }
  budget_.inflated += found.size();
  if (budget_.inflated > p_.limits.inflated)
    return fail(in, from,
                fmt::format("the JSON of what is in it takes more than {} bytes (limits.inflate)",
                            p_.limits.inflated));
  return made(in, found);
}

// JSON that was made out of something else.
template <class Visitor>
inline bool unpacker<Visitor>::made(const instruction& in, std::string_view json) {
  if (in.hidden) return true;
  announce(in);
  if constexpr (std::is_same_v<Visitor, json_writer>)
    visitor_.json(json);
  else if constexpr (!std::is_base_of_v<null_visitor, Visitor>)
    visit_json(nlohmann::ordered_json::parse(json, nullptr, false), visitor_);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::zero_text(const instruction& in) {
  const std::size_t from = pos_;
  std::size_t size = 0;
  if (!measure_bytes(in, in.size, size)) return false;
  const auto* begin = reinterpret_cast<const char*>(data_.data() + pos_);
  const std::string_view all(begin, size);
  const bool fixed = p_.extents[in.size].what != extent::kind::rest;
  const std::size_t length = all.find('\0', fixed ? 0 : searched());
  if (length == std::string_view::npos && !fixed && wants_more(size + 1)) return false;
  if (length == std::string_view::npos) return fail(in, from, "the text has no zero byte at its end");
  pos_ += fixed ? size : length + 1;
  place(from, in);
  if (in.from == value_source::constant && !same_text(in, from, all.substr(0, length))) return false;
  if constexpr (Visitor::measures) return true;
  return plain_text(in, from, all.substr(0, length));
}

template <class Visitor>
inline bool unpacker<Visitor>::measure_text(const instruction& in, std::size_t& size, std::size_t& whole) {
  const extent& e = p_.extents[in.size];
  if (e.what != extent::kind::until) {
    if (!measure_bytes(in, in.size, size)) return false;
    whole = size;
    return true;
  }
  const std::string& end = p_.texts[e.end];
  const std::size_t left = end_ - pos_;
  const std::size_t window = std::min(left, static_cast<std::size_t>(e.value) + end.size());
  const std::string_view all(reinterpret_cast<const char*>(data_.data() + pos_), window);
  const std::size_t known = searched();
  size = all.find(end, known >= end.size() ? known - (end.size() - 1) : 0);
  if (size != std::string_view::npos) {
    whole = size + end.size();
    return true;
  }
  if (window == left && wants_more(left + 1)) return false;
  return fail(in, pos_,
              window < left ? fmt::format("no \"{}\" behind at most {} bytes", one_line(end), e.value)
                            : fmt::format("no \"{}\" ends it", one_line(end)));
}

template <class Visitor>
inline bool unpacker<Visitor>::until(const instruction& in) {
  const std::size_t from = pos_;
  std::size_t size = 0;
  std::size_t whole = 0;
  if constexpr (Visitor::measures)
    if (is_open() && !may_begin(in)) return false;
  if (!measure_text(in, size, whole)) return false;
  pos_ += whole;
  place(from, in);
  return contents(in, from, data_.subspan(from, size));
}

}  // namespace
}  // namespace duplexd::protocol
