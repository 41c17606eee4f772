// Part of the unpacker: packets within packets.
#pragma once

#include "protocol/codec/unpack_walk.ipp"

namespace duplexd::protocol {
namespace {

template <class Visitor>
inline bool unpacker<Visitor>::nested(const instruction& in, std::int32_t pc) {
  const transform_rule& rule = p_.transforms[in.its<transform_rule>()];
  const std::size_t from = pos_;
  const bytes_view raw = data_.subspan(pos_, end_ - pos_);
  pos_ = end_;
  place(from, in);
  if (++budget_.depth > p_.limits.nesting)
    return fail(in, from, fmt::format("nested more than {} deep", p_.limits.nesting));
  std::vector<std::uint8_t> bytes;
  if (rule.kind == transform_kind::fill) {
    bytes.assign(raw.begin(), raw.end());
    if (bytes.size() < static_cast<std::size_t>(rule.fill)) bytes.resize(static_cast<std::size_t>(rule.fill));
  } else if (std::string why = decompress(rule.kind, raw, p_.limits.inflated - budget_.inflated, bytes);
             !why.empty()) {
    return fail(in, from, std::move(why));
  }
  budget_.inflated += bytes.size();
  if (budget_.inflated > p_.limits.inflated) return fail(in, from, "the decompressed bytes exceed the limit");
  const bytes_view outer = data_;
  const std::size_t outer_end = end_;
  const std::size_t outer_region = region_;
  const std::size_t outer_farthest = std::exchange(farthest_, 0);
  data_ = bytes;
  pos_ = region_ = 0;
  end_ = bytes.size();
  const bool ok = block(pc + 1, in.next) && leftover(in);
  data_ = outer;
  pos_ = end_ = outer_end;
  region_ = outer_region;
  farthest_ = outer_farthest;
  --budget_.depth;
  const bool decoded = rule.kind == transform_kind::hex || rule.kind == transform_kind::base64;
  if (!ok && rule.kind != transform_kind::fill) inside(from, decoded ? "decoded" : "decompressed");
  if (!ok && rule.kind == transform_kind::fill) error_.offset = std::min(from + error_.offset, outer_end);
  return ok;
}

template <class Visitor>
inline void unpacker<Visitor>::inside(std::size_t from, const char* what) {
  error_.message = fmt::format("at byte {} of the {} bytes: {}", error_.offset, what, error_.message);
  error_.offset = from;
}

template <class Visitor>
inline bool unpacker<Visitor>::frames(const instruction& in) {
  if constexpr (Visitor::measures) {
    pos_ = end_;  // in a region whose size is known
    return true;
  }
  const routine& what = p_.routines[in.its<routine>()];
  if (budget_.depth + 1 > p_.limits.nesting)
    return fail(in, pos_, fmt::format("nested more than {} deep", p_.limits.nesting));
  announce_container(in);
  visitor_.begin_array();
  for (std::size_t i = 0; pos_ < end_; ++i) {
    if (budget_.elements++ >= p_.limits.elements) return fail(in, pos_, "too many packets in a packet");
    std::size_t size = end_ - pos_;
    std::size_t trailer = 0;
    if (p_.framing) {
      const cut found = cut_packet(*p_.framing, data_.subspan(pos_, size));
      const bool is_last = found.size == 0 && !p_.framing->delimiter.empty();  // it needs no delimiter
      if (!is_last && (found.size == 0 || found.size > size))
        return fail(in, pos_,
                    found.error.empty() ? fmt::format("a packet of {} bytes, {} are left", found.size, size)
                                        : found.error);
      if (!is_last) size = found.size;
      trailer = found.trailer;
    }
    visitor_.element();
    const std::size_t skip_length =
        p_.framing && p_.framing->strip ? length_width(*p_.framing, data_.subspan(pos_, size)) : 0;
    ++budget_.depth;
    unpacker inner(p_, data_.subspan(pos_ + skip_length, size - skip_length - trailer), visitor_, budget_,
                   error_);
    const bool ok = inner.run(what);
    --budget_.depth;
    if (!ok) {
      error_.offset += pos_ + skip_length;
      return under_index(in, i);
    }
    pos_ += size;
  }
  visitor_.end_array();
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
