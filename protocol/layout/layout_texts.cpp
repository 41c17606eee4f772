// Texts and bytes of a line: where they end, and their constants.
#include <fmt/format.h>

#include "protocol/codec/struct_code.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

void layout_compiler::blob(const token& t, const node& from, char order, content what, name_id name,
                           bool hidden) {
  if (t.has_scale() || !t.unit.text.empty()) {
    fail(from, t.at, fmt::format("'{}' cannot have a scale or a unit", t.type.text));
    return;
  }
  const std::string& word = t.type.text;
  const char code = word.back();
  const bool fixed_text = word == "c" || (is_struct_group(word) && (code == 's' || code == 'p'));
  const bool zero = word == "zstr";
  const bool ends = t.size.what == extent_notation::kind::until;
  if (ends && what == content::utf16) {
    fail(from, t.size.text.at, "UTF-16 may hold what ends it between two characters", "give it a size");
    return;
  }
  if (ends && (fixed_text || zero)) {
    fail(from, t.size.text.at, fmt::format("'{}' has its own end", word), "str, bytes, b64 or json");
    return;
  }
  // What is packed again may be written in another way: then it must not hold what ends it.
  if (ends && (what == content::cbor || what == content::msgpack)) {
    fail(from, t.size.text.at, fmt::format("'{}' may hold what ends it", word), "give it a size");
    return;
  }
  if (ends && what == content::json && static_cast<unsigned char>(t.size.text.text.front()) >= ' ') {
    fail(from, t.size.text.at, "JSON may hold what ends it", "a control character, such as \\n");
    return;
  }
  id<std::string> text;
  if (t.value != token::value_kind::absent) {
    std::string bytes = t.value_text.text;
    if ((what == content::bytes || what == content::base64) && !t.value_is_text) {
      const auto parsed = parse_hex(bytes);
      if (!parsed) {
        fail(from, t.value_text.at, "expected hex digits", "a constant of bytes is =0a0b, or =\"text\"");
        return;
      }
      bytes.assign(parsed->begin(), parsed->end());
    } else if (what == content::json || what == content::cbor || what == content::msgpack ||
               what == content::utf16) {
      fail(from, t.value_text.at, fmt::format("'{}' cannot be constant", word));
      return;
    } else if (what != content::bytes && what != content::base64 && find_bad_utf8(bytes) != bytes.size()) {
      fail(from, t.value_text.at, "the value is not UTF-8", "a field of type bytes takes anything");
      return;
    } else if (zero && bytes.find('\0') != std::string::npos) {
      fail(from, t.value_text.at, "the value holds what ends it");
      return;
    }
    text = to_->texts.add(std::move(bytes));
  }
  extent_id size;
  if (fixed_text && t.size.what == extent_notation::kind::absent) {
    const auto count = word.size() > 1 ? parse_integer(std::string_view(word).substr(0, word.size() - 1)) : 1;
    if (!count || *count > static_cast<std::int64_t>(env_.limits.packet)) {
      fail(from, t.type.at, "the count exceeds the limit of a packet");
      return;
    }
    size = fixed_extent(*count);
  } else if (t.size.what == extent_notation::kind::absent && text && !zero &&
             t.value == token::value_kind::constant) {
    size = fixed_extent(static_cast<std::int64_t>(to_->texts[text].size()));
  } else {
    size = size_extent(t.size, from, order, name);
  }
  if (!size) return;
  const extent& e = to_->extents[size];
  const bool fixed = e.what == extent::kind::fixed;
  if (what == content::text && fixed && word != "c") what = content::padded_text;
  if (fixed && text && to_->texts[text].size() > static_cast<std::size_t>(e.value)) {
    fail(from, t.value_text.at, fmt::format("the value is longer than {} bytes", e.value));
    return;
  }
  if (ends && text &&
      (to_->texts[text] + t.size.text.text).find(t.size.text.text) != to_->texts[text].size()) {
    fail(from, t.value_text.at, "the value holds what ends it");
    return;
  }
  const bool takes_rest = e.what == extent::kind::rest && !zero;
  const std::int32_t whole = text ? -1 : open_nullable(size, name, hidden);
  const std::int32_t at = here();
  instruction& in = emit(zero ? op::zero_text : ends ? op::until : op::blob);
  in.what = what;
  in.big = order_is_big(order);
  in.size = size;
  in.name = name;
  in.hidden = hidden;
  in.text = text;
  if (text)
    in.from = t.value == token::value_kind::constant ? value_source::constant : value_source::standard;
  if (whole >= 0) close(whole);
  if (name) remember(name, at, false);
  if (takes_rest) filled_by_ = name ? to_->names[name].text : word;
}

}  // namespace duplexd::protocol
