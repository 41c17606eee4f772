#include "daemon/net/websocket/permessage_deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <new>
#include <utility>

#include "protocol/text/parts.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

using protocol::next_part;
using protocol::trimmed;

constexpr std::size_t step = 16 * 1024;
constexpr std::size_t kept_when_idle = 4 * 1024;

/// What a sender leaves off each message's end: an empty stored block (RFC 7692, 7.2.1).
constexpr std::array<std::uint8_t, 4> tail{0x00, 0x00, 0xff, 0xff};

/// Window sizes are 8 to 15, without leading zeros, perhaps in quotes (RFC 7692, 7.1.2; RFC 6455, 9.1).
std::optional<int> window_bits(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' || bits < 8 || bits > 15) return std::nullopt;
  return bits;
}

/// Takes one parameter of the answer; false if it may not stand there, or not twice.
bool take(std::string_view parameter, const config::deflate_settings& offered, deflate_agreement& out) {
  if (parameter == "server_no_context_takeover") return std::exchange(out.server_takeover, false);
  if (parameter == "client_no_context_takeover") return std::exchange(out.client_takeover, false);
  const auto name = next_part(parameter, '=');
  const auto bits = window_bits(trimmed(parameter));
  if (!bits) return false;
  if (name == "server_max_window_bits") {
    return !std::exchange(out.server_window_bits, *bits) && *bits <= offered.server_max_window_bits;
  }
  if (name == "client_max_window_bits") {
    return !std::exchange(out.client_window_bits, *bits) && *bits <= offered.client_max_window_bits;
  }
  return false;
}

uInt part_for_zlib(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max() / 2));
}

}  // namespace

std::string deflate_offer(const config::deflate_settings& wanted) {
  std::string offer = "permessage-deflate";
  if (wanted.server_no_context_takeover) offer += "; server_no_context_takeover";
  if (wanted.client_no_context_takeover) offer += "; client_no_context_takeover";
  if (wanted.server_max_window_bits < 15)
    offer += "; server_max_window_bits=" + std::to_string(wanted.server_max_window_bits);
  offer += "; client_max_window_bits";
  if (wanted.client_max_window_bits < 15) offer += "=" + std::to_string(wanted.client_max_window_bits);
  return offer;
}

std::optional<deflate_agreement> read_deflate_answer(std::string_view header,
                                                     const config::deflate_settings& offered,
                                                     std::string& why) {
  deflate_agreement agreed;
  std::string_view left = trimmed(header);
  if (left.ends_with(';')) {
    why = "the server's extension is malformed: a parameter must follow ';' in " +
          protocol::printable(header, 100);
    return std::nullopt;
  }
  if (next_part(left, ';') != "permessage-deflate") {
    why = "the server insists on an extension that was not offered: " + protocol::printable(header, 100);
    return std::nullopt;
  }
  while (!left.empty()) {
    const auto parameter = next_part(left, ';');
    if (take(parameter, offered, agreed)) continue;
    why = "the server's permessage-deflate has a parameter that was not offered: " +
          protocol::printable(parameter, 100);
    return std::nullopt;
  }
  if (offered.server_no_context_takeover && agreed.server_takeover) {
    why = "the server does not agree to server_no_context_takeover";
    return std::nullopt;
  }
  if (offered.server_max_window_bits < 15 && !agreed.server_window_bits) {
    why = "the server does not agree to server_max_window_bits=" +
          std::to_string(offered.server_max_window_bits);
    return std::nullopt;
  }
  if (!agreed.client_window_bits) agreed.client_window_bits = offered.client_max_window_bits;
  agreed.client_takeover = agreed.client_takeover && !offered.client_no_context_takeover;
  return agreed;
}

inflater::inflater(const deflate_agreement& agreed) noexcept
    : window_bits_(agreed.server_window_bits.value_or(15)), takeover_(agreed.server_takeover) {}

void inflater::end_of_stream::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

inflater::result inflater::add(std::span<const std::uint8_t> payload, bool last, std::uint64_t limit,
                               std::vector<std::uint8_t>& out, std::size_t& size) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream_s>();
    if (inflateInit2(fresh.get(), -window_bits_) != Z_OK) throw std::bad_alloc();
    stream_.reset(fresh.release());
  }
  if (const auto got = run(payload, limit, out, size); got != result::good || !last) return got;
  if (const auto got = run(tail, limit, out, size); got != result::good) return got;
  if (!between_blocks()) return result::corrupt;  // cut off: the tail was read as data
  if (!takeover_) inflateReset(stream_.get());
  return result::good;
}

inflater::result inflater::run(std::span<const std::uint8_t> bytes, std::uint64_t limit,
                               std::vector<std::uint8_t>& out, std::size_t& size) {
  stream_->next_in = const_cast<Bytef*>(bytes.data());  // zlib does not write there
  stream_->avail_in = part_for_zlib(bytes.size());
  for (;;) {
    // One byte more than is allowed shows that there is more.
    const std::uint64_t most = limit - size;
    if (out.size() - size < std::min<std::uint64_t>(step, most + 1)) {
      out.resize(static_cast<std::size_t>(
          std::min<std::uint64_t>(std::max<std::size_t>(size + step, 2 * out.size()), limit + 1)));
    }
    stream_->next_out = out.data() + size;
    stream_->avail_out = part_for_zlib(out.size() - size);
    const auto room = stream_->avail_out;
    const int state = inflate(stream_.get(), Z_SYNC_FLUSH);
    size += room - stream_->avail_out;
    if (size > limit) return result::too_long;
    if (state == Z_STREAM_END) {
      inflateReset(stream_.get());  // a sender may end its stream within a message (RFC 7692, 7.2.3.4)
    } else if (state != Z_OK && state != Z_BUF_ERROR) {
      return result::corrupt;
    }
    if (stream_->avail_in == 0 && stream_->avail_out != 0) return result::good;
  }
}

/// zlib says so by 128 in `data_type`, its low bits count unused bits of the last byte.
bool inflater::between_blocks() const noexcept {
  return (stream_->data_type & 128) != 0 && (stream_->data_type & 7) == 0;
}

deflater::deflater(const deflate_agreement& agreed, const config::deflate_settings& how) noexcept
    : threshold_(how.threshold),
      window_bits_(agreed.client_window_bits.value_or(15)),
      level_(how.level),
      takeover_(agreed.client_takeover) {}

void deflater::end_of_stream::operator()(z_stream_s* stream) const noexcept {
  deflateEnd(stream);
  delete stream;
}

/// zlib cannot compress for a window of 2^8 bytes; a sender is free not to.
bool deflater::wants(std::size_t size) const noexcept {
  return size >= threshold_ && size != 0 && window_bits_ > 8;
}

std::span<const std::uint8_t> deflater::compress(std::span<const std::uint8_t> message) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream_s>();
    if (deflateInit2(fresh.get(), level_, Z_DEFLATED, -window_bits_, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
    stream_.reset(fresh.release());
  }
  if (!takeover_) deflateReset(stream_.get());
  std::size_t size = 0;
  std::size_t taken = 0;
  for (bool flushed = false; !flushed;) {
    if (out_.size() - size < step) out_.resize(std::max(size + step, 2 * out_.size()));
    const auto part = part_for_zlib(message.size() - taken);
    const auto room = part_for_zlib(out_.size() - size);
    const bool last = taken + part == message.size();
    stream_->next_in = const_cast<Bytef*>(message.data() + taken);  // zlib does not write there
    stream_->avail_in = part;
    stream_->next_out = out_.data() + size;
    stream_->avail_out = room;
    ::deflate(stream_.get(), last ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    taken += part - stream_->avail_in;
    size += room - stream_->avail_out;
    flushed = last && stream_->avail_out != 0;
  }
  return {out_.data(), size - tail.size()};
}

void deflater::shrink() noexcept {
  if (out_.size() > kept_when_idle) std::vector<std::uint8_t>().swap(out_);
}

}  // namespace duplexd::net
