#include "protocol/message/carried_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/message/message_type.hpp"
#include "protocol/text/foreign_text.hpp"

namespace duplexd::protocol {
namespace {

bool counts_bytes(const program& p, const instruction& in) {
  const auto uses_region = [&](expression_id expr) { return expr && p.expressions[expr].uses_region(); };
  const bool in_size = in.size && uses_region(p.extents[in.size].expr);
  return uses_region(in.expr) || in_size;
}

// Bytes that it takes in every packet; empty: that depends, or it counts what follows.
std::optional<std::size_t> fixed_size(const program& p, const instruction& in) {
  if (counts_bytes(p, in) || in.as == form::checksum) return std::nullopt;
  switch (in.code) {
    case op::number:
      if (is_variable(in.type)) return std::nullopt;
      return width_of(in.type);
    case op::blob:
      if (p.extents[in.size].what != extent::kind::fixed) return std::nullopt;
      return static_cast<std::size_t>(p.extents[in.size].value);
    case op::pad:
      return static_cast<std::size_t>(in.constant);
    case op::require:
    case op::view:
      return 0;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool asks_to_carry(const program& layout) {
  return std::ranges::any_of(layout.code, [](const instruction& in) { return in.carries; });
}

std::optional<std::size_t> carried_from(const program& layout, frame_kind frame, std::string& why) {
  if (frame == frame_kind::text) {
    why = "a text frame is whole UTF-8";
    return std::nullopt;
  }
  const routine& whole = layout.routines.front();
  constexpr std::int32_t body = 2;  // behind the map and the region of the packet itself
  std::size_t at = 0;
  for (std::int32_t pc = whole.begin + body; pc < whole.end;) {
    const instruction& in = layout.code[static_cast<std::size_t>(pc)];
    if (in.carries) {
      const bool takes_rest = layout.extents[in.size].what == extent::kind::rest;
      if (takes_rest && in.next == whole.end) return at;
      why = "the text is not the last field, or has a size";
      return std::nullopt;
    }
    const auto size = fixed_size(layout, in);
    if (!size) {
      const auto begin = layout.code.begin();
      const bool is_in_it =
          std::any_of(begin + pc, begin + in.next, [](const instruction& each) { return each.carries; });
      why = is_in_it ? "the text is a part of another field"
                     : fmt::format("{} in front of it has no fixed size, or counts its bytes",
                                   in.name ? "'" + layout.names[in.name].text + "'" : "what is");
      return std::nullopt;
    }
    at += *size;
    pc = in.next;
  }
  return std::nullopt;
}

frame_view carried_texts::join(const message_type& type, frame_view frame) {
  if (!type.carried_from || frame.bytes.size() < *type.carried_from) return frame;
  const std::size_t from = *type.carried_from;
  beginning& kept = kept_[&type];
  const auto text_of = [&](bytes_view bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).substr(from);
  };
  if (kept.size == 0 && cut_character(text_of(frame.bytes)) == 0) return frame;
  std::vector<std::uint8_t>& whole = joined_.emplace_back();
  whole.reserve(frame.bytes.size() + kept.size);
  const auto text = frame.bytes.begin() + static_cast<std::ptrdiff_t>(from);
  whole.insert(whole.end(), frame.bytes.begin(), text);
  whole.insert(whole.end(), kept.bytes.begin(), kept.bytes.begin() + static_cast<std::ptrdiff_t>(kept.size));
  whole.insert(whole.end(), text, frame.bytes.end());
  kept.size = cut_character(text_of(whole));
  std::copy(whole.end() - static_cast<std::ptrdiff_t>(kept.size), whole.end(), kept.bytes.begin());
  whole.resize(whole.size() - kept.size);
  return {frame.kind, whole};
}

}  // namespace duplexd::protocol
