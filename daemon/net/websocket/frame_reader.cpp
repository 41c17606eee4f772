#include "daemon/net/websocket/frame_reader.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

using protocol::frame_kind;

constexpr std::size_t kept_when_idle = 64 * 1024;

/// What stands where a frame's header should, if that can be read: a proxy's "HTTP/1.1 502 Bad Gateway", a
/// page, a log line.
std::string begin_of_text(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t least = 4;
  constexpr std::size_t shown = 60;
  const auto is_readable = [](std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; };
  if (bytes.size() < least || !std::all_of(bytes.begin(), bytes.begin() + least, is_readable)) return {};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto line = text.substr(0, text.find_first_of("\r\n"));
  return "; instead of a frame came '" + protocol::printable(line, shown) + "'";
}

}  // namespace

frame_reader::event frame_reader::next(byte_queue& in, protocol::frame_view& out) {
  for (;;) {
    const step done = in_frame_ ? read_part(in, out) : begin_frame(in, out);
    if (done) return *done;
  }
}

frame_reader::step frame_reader::begin_frame(byte_queue& in, protocol::frame_view& out) {
  if (take_short(in, out)) return event::message;
  const auto scan = scan_frame_header(in.view(), role_, in_message_, compression_ != nullptr);
  if (scan.refusal != nullptr)
    return refuse(1002,
                  std::string("the peer broke the protocol: ") + scan.refusal + begin_of_text(in.view()));
  if (!scan.header) return event::dry;
  const frame_header& header = *scan.header;
  if (is_control(header.code)) return take_control(in, header, out);
  if (limits_.frame != 0 && header.length > limits_.frame) {
    return refuse(1009, "a frame of " + std::to_string(header.length) + " bytes is over the limit of " +
                            std::to_string(limits_.frame) + " bytes (limits.frame)");
  }
  const bool compressed = in_message_ ? compressed_ : header.compressed;
  const std::size_t before = in_message_ ? size_ : 0;
  if (!compressed && header.length > limits_.message - before) return refuse_size(before + header.length);
  const bool is_alone = header.final && !in_message_;
  return is_alone && !compressed ? take_whole(in, header, out) : begin_part(in, header);
}

/// Nearly all that a server sends: a binary message in one frame of less than 126 bytes, all of it here.
bool frame_reader::take_short(byte_queue& in, protocol::frame_view& out) {
  const auto here = in.view();
  constexpr std::uint8_t final_binary = 0x80 | static_cast<std::uint8_t>(opcode::binary);
  if (here.size() < 2 || here[0] != final_binary || here[1] > 125) return false;
  const std::size_t length = here[1];
  if (here.size() - 2 < length || in_message_ || role_ != endpoint_role::client) return false;
  if (length > limits_.message || (limits_.frame != 0 && length > limits_.frame)) return false;
  out = {.kind = frame_kind::binary, .bytes = here.subspan(2, length)};
  in.consume(2 + length);
  return true;
}

/// What is consumed stays where it is until the queue is written to.
frame_reader::step frame_reader::take_whole(byte_queue& in, const frame_header& header,
                                            protocol::frame_view& out) {
  const auto length = static_cast<std::size_t>(header.length);
  if (in.size() - header.size < length) return event::dry;
  const std::span<std::uint8_t> payload(in.data() + header.size, length);
  if (role_ == endpoint_role::server) apply_mask(payload, header.mask);
  const bool text = header.code == opcode::text;
  if (text && good_utf8(payload) != length) return refuse_text();
  in.consume(header.size + length);
  out = {.kind = text ? frame_kind::text : frame_kind::binary, .bytes = payload};
  return event::message;
}

frame_reader::step frame_reader::take_control(byte_queue& in, const frame_header& header,
                                              protocol::frame_view& out) {
  const auto length = static_cast<std::size_t>(header.length);
  if (in.size() - header.size < length) return event::dry;
  const std::span<std::uint8_t> payload(in.data() + header.size, length);
  apply_mask(payload, header.mask);
  in.consume(header.size + length);
  if (header.code == opcode::close) return close(payload);
  if (header.code == opcode::pong) return std::nullopt;
  out = {.kind = frame_kind::binary, .bytes = payload};
  return event::ping;
}

/// Nothing of it has to be whole: it is joined as it comes.
frame_reader::step frame_reader::begin_part(byte_queue& in, const frame_header& header) {
  if (!in_message_) {
    size_ = checked_ = 0;
    text_ = header.code == opcode::text;
    compressed_ = header.compressed;
    taken_ = false;
  }
  in_message_ = !header.final;
  in_frame_ = true;
  frame_left_ = header.length;
  mask_ = header.mask;
  in.consume(header.size);
  return std::nullopt;
}

frame_reader::step frame_reader::read_part(byte_queue& in, protocol::frame_view& out) {
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, in.size()));
  if (length == 0 && frame_left_ != 0) return event::dry;
  const std::span<std::uint8_t> part(in.data(), length);
  if (role_ == endpoint_role::server) {
    apply_mask(part, mask_);
    std::rotate(mask_.begin(), mask_.begin() + static_cast<std::ptrdiff_t>(length % mask_.size()),
                mask_.end());
  }
  frame_left_ -= length;
  in_frame_ = frame_left_ != 0;
  const bool last = !in_frame_ && !in_message_;
  if (const step failed = join(part, last)) return failed;
  in.consume(length);
  if (text_ && !is_good_text(last)) return refuse_text();
  if (!last) return std::nullopt;
  taken_ = true;
  out = {.kind = text_ ? frame_kind::text : frame_kind::binary, .bytes = {message_.data(), size_}};
  return event::message;
}

/// The limit on what is not compressed was looked at with the frame's header.
frame_reader::step frame_reader::join(std::span<const std::uint8_t> part, bool last) {
  if (compressed_) {
    const auto got = compression_->add(part, last, limits_.message, message_, size_);
    if (got == inflater::result::too_long) return refuse_size(size_);
    if (got == inflater::result::corrupt)
      return refuse(1007, "the peer sent a message that cannot be decompressed");
    return std::nullopt;
  }
  const std::size_t needed = size_ + part.size();
  if (message_.size() < needed) {
    const auto twice = std::min<std::uint64_t>(2 * message_.size(), limits_.message);
    message_.resize(std::max(needed, static_cast<std::size_t>(twice)));
  }
  std::copy(part.begin(), part.end(), message_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ = needed;
  return std::nullopt;
}

/// Looks at what has come since the last whole character.
bool frame_reader::is_good_text(bool last) noexcept {
  const std::span<const std::uint8_t> fresh(message_.data() + checked_, size_ - checked_);
  const std::size_t good = good_utf8(fresh);
  checked_ += good;
  return good == fresh.size() || (!last && begins_character(fresh.subspan(good)));
}

frame_reader::event frame_reader::close(std::span<const std::uint8_t> payload) {
  const auto scan = scan_close_payload(payload);
  if (scan.refusal != nullptr)
    return refuse(scan.bad_text ? 1007 : 1002, std::string("the peer broke the protocol: ") + scan.refusal);
  closed_ = {.code = scan.code, .text = std::string(scan.text)};
  return event::closed;
}

frame_reader::event frame_reader::refuse(std::uint16_t code, std::string cause) {
  refusal_ = {.code = code, .cause = std::move(cause)};
  return event::refused;
}

frame_reader::event frame_reader::refuse_text() {
  return refuse(1007, "the peer sent text that is not UTF-8");
}

frame_reader::event frame_reader::refuse_size(std::uint64_t size) {
  return refuse(1009, "a message of " + std::to_string(size) + " bytes or more is over the limit of " +
                          std::to_string(limits_.message) + " bytes (limits.message)");
}

void frame_reader::shrink() noexcept {
  if (taken_ && message_.size() > kept_when_idle) std::vector<std::uint8_t>().swap(message_);
}

}  // namespace duplexd::net
