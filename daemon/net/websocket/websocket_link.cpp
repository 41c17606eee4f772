#include "daemon/net/websocket/websocket_link.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/net/tcp/await.hpp"
#include "daemon/net/websocket/frame_writer.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr std::size_t kept_when_idle = 64 * 1024;
constexpr std::size_t all_pongs_up_to = 64 * 1024;  ///< unsent; beyond it only the newest ping is answered

}  // namespace

websocket_link::websocket_link(std::shared_ptr<tcp_connection> connection,
                               std::unique_ptr<websocket_stream> stream, endpoint_role role,
                               frame_limits limits, std::unique_ptr<link_compression> compression)
    : connection_(std::move(connection)),
      stream_(std::move(stream)),
      role_(role),
      limits_(limits),
      compression_(std::move(compression)) {
  stream_->next_layer().start_frames();
  stream_->read_message_max(0);  // the gate refuses earlier, by the header
}

asio::awaitable<void> websocket_link::wait_readable() {
  if (ended_) co_return;
  if (may_have_) {  // let the others have their turn, then go on with what is here
    co_await asio::post(connection_->get_executor(), asio::use_awaitable);
    co_return;
  }
  connection_->shrink();
  if (taken_ && message_.size() > kept_when_idle) std::vector<std::uint8_t>().swap(message_);
  if (compression_) compression_->out.shrink();
  co_await connection_->wait_readable();
  may_have_ = true;
}

bool websocket_link::next(protocol::frame_view& out) {
  if (ended_) return false;
  if (end_) {
    end_();
    return false;
  }
  // One read of the socket for each call, so that a flood leaves the loop its turns.
  for (bool filled = false;;) {
    const step result = advance(out);
    if (result == step::message) return true;
    if (result == step::ended) return false;
    if (!filled && connection_->readable()) {
      filled = true;
      if (connection_->fill()) continue;
    }
    may_have_ = connection_->end_cause().has_value();
    if (may_have_) end_ = [this] { end_lost(); };
    return false;
  }
}

websocket_link::step websocket_link::advance(protocol::frame_view& out) {
  for (;;) {
    const step result = !in_frame_    ? begin_frame(out)
                        : compressed_ ? read_compressed(out)
                                      : read_fragment(out);
    if (result != step::go_on) return result;
  }
}

websocket_link::step websocket_link::begin_frame(protocol::frame_view& out) {
  if (take_short(out)) return step::message;
  const auto scan = scan_frame_header(connection_->received(), role_, in_message_, compression_ != nullptr);
  if (scan.refusal != nullptr) return fail(1002, std::string("the peer broke the protocol: ") + scan.refusal);
  if (!scan.header) return step::dry;
  const frame_header& header = *scan.header;
  if (is_control(header.code)) return take_control(header);
  if (limits_.frame != 0 && header.length > limits_.frame) {
    return fail(1009, "a frame of " + std::to_string(header.length) + " bytes is over the limit of " +
                          std::to_string(limits_.frame) + " bytes (limits.frame)");
  }
  if (!in_message_) compressed_ = header.compressed;
  if (compressed_) return begin_compressed(header);
  const std::size_t before = in_message_ ? size_ : 0;
  if (header.length > limits_.message - before) return fail_size(before + header.length);
  return header.final && !in_message_ ? take_whole(header, out) : begin_fragment(header);
}

/// Nearly all that a server sends: a binary message in one frame of less than 126 bytes, all of it here.
bool websocket_link::take_short(protocol::frame_view& out) {
  const auto here = connection_->received();
  constexpr std::uint8_t final_binary = 0x80 | static_cast<std::uint8_t>(opcode::binary);
  if (here.size() < 2 || here[0] != final_binary || here[1] > 125) return false;
  const std::size_t length = here[1];
  if (here.size() - 2 < length || in_message_ || role_ != endpoint_role::client) return false;
  if (length > limits_.message || (limits_.frame != 0 && length > limits_.frame)) return false;
  out = {.kind = protocol::frame_kind::binary, .bytes = here.subspan(2, length)};
  connection_->consume(2 + length);
  return true;
}

/// What is consumed stays where it is until bytes are read again.
websocket_link::step websocket_link::take_whole(const frame_header& header, protocol::frame_view& out) {
  const auto length = static_cast<std::size_t>(header.length);
  if (connection_->received().size() - header.size < length) return step::dry;
  const std::span<std::uint8_t> payload(connection_->received_data() + header.size, length);
  if (role_ == endpoint_role::server) apply_mask(payload, header.mask);
  const bool text = header.code == opcode::text;
  if (text && !is_utf8(payload)) return fail(1007, "the peer sent text that is not UTF-8");
  connection_->consume(header.size + length);
  out = {.kind = text ? protocol::frame_kind::text : protocol::frame_kind::binary, .bytes = payload};
  return step::message;
}

/// Beast may be asked once the header and a first byte of payload are here. Empty frames that end nothing are
/// kept from it: it would go on to the next header by itself, which may not be here.
websocket_link::step websocket_link::begin_fragment(const frame_header& header) {
  if (header.length != 0 && connection_->received().size() <= header.size) return step::dry;
  if (header.code != opcode::continuation) {
    size_ = 0;
    text_ = header.code == opcode::text;
    taken_ = false;
  }
  const bool first_for_beast = empty_start_ || header.code != opcode::continuation;
  in_message_ = !header.final;
  if (header.length == 0 && !header.final) {
    if (first_for_beast) empty_start_ = text_ ? opcode::text : opcode::binary;
    connection_->consume(header.size);
    return step::go_on;
  }
  if (empty_start_) {  // for Beast the message begins here
    auto& first = *connection_->received_data();
    first = static_cast<std::uint8_t>((first & 0xf0) | static_cast<std::uint8_t>(*empty_start_));
    empty_start_.reset();
  }
  in_frame_ = true;
  header_left_ = header.size;
  frame_left_ = header.length;
  stream_->next_layer().release(header.size + static_cast<std::size_t>(header.length));
  return step::go_on;
}

websocket_link::step websocket_link::read_fragment(protocol::frame_view& out) {
  const std::size_t here = connection_->received().size() - header_left_;
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, here));
  if (wanted == 0 && frame_left_ != 0) return step::dry;

  // Beast empties what it has buffered into us only if there is room for it, and it wants room for one byte.
  const std::size_t needed = size_ + std::max<std::size_t>(wanted, 1);
  if (message_.size() < needed) message_.resize(std::max(needed, std::min(2 * message_.size(), 2 * needed)));
  const std::size_t corked = connection_->cork().size();
  error_code error;
  const std::size_t got =
      stream_->read_some(boost::asio::buffer(message_.data() + size_, needed - size_), error);
  if (error) {
    connection_->cork().truncate(corked);  // its close frame; ours says why
    const bool text = error == websocket::error::bad_frame_payload;
    return fail(text ? 1007 : 1002, text ? "the peer sent text that is not UTF-8"
                                         : "the peer broke the protocol: " + error.message());
  }
  header_left_ = 0;
  frame_left_ -= got;
  size_ += got;
  if (frame_left_ != 0) return step::go_on;
  in_frame_ = false;
  if (!stream_->is_message_done()) return step::go_on;
  // Beast does not look at the text's end if the last fragment is empty.
  if (text_ && ends_inside_character({message_.data(), size_}))
    return fail(1007, "the peer sent text that is not UTF-8");
  out = {.kind = text_ ? protocol::frame_kind::text : protocol::frame_kind::binary,
         .bytes = {message_.data(), size_}};
  taken_ = true;
  return step::message;
}

/// Nothing of it has to be whole: it is decompressed as it comes.
websocket_link::step websocket_link::begin_compressed(const frame_header& header) {
  if (!in_message_) {
    size_ = 0;
    text_ = header.code == opcode::text;
    taken_ = false;
  }
  in_message_ = !header.final;
  in_frame_ = true;
  frame_left_ = header.length;
  connection_->consume(header.size);
  return step::go_on;
}

websocket_link::step websocket_link::read_compressed(protocol::frame_view& out) {
  const auto here = connection_->received();
  const auto part = here.first(static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, here.size())));
  if (part.empty() && frame_left_ != 0) return step::dry;
  frame_left_ -= part.size();
  const bool last = frame_left_ == 0 && !in_message_;
  const auto got = compression_->in.add(part, last, limits_.message, message_, size_);
  if (got == inflater::result::too_long) return fail_size(size_);
  if (got == inflater::result::corrupt)
    return fail(1007, "the peer sent a message that cannot be decompressed");
  connection_->consume(part.size());
  in_frame_ = frame_left_ != 0;
  if (!last) return step::go_on;
  if (text_ && !is_utf8({message_.data(), size_})) return fail(1007, "the peer sent text that is not UTF-8");
  out = {.kind = text_ ? protocol::frame_kind::text : protocol::frame_kind::binary,
         .bytes = {message_.data(), size_}};
  taken_ = true;
  return step::message;
}

websocket_link::step websocket_link::take_control(const frame_header& header) {
  const auto length = static_cast<std::size_t>(header.length);
  if (connection_->received().size() < header.size + length) return step::dry;
  const std::span<std::uint8_t> payload(connection_->received_data() + header.size, length);
  apply_mask(payload, header.mask);
  step result = step::go_on;
  if (header.code == opcode::ping) answer_ping(payload);
  if (header.code == opcode::close) result = take_close(payload);
  connection_->consume(header.size + length);
  return result;
}

void websocket_link::answer_ping(std::span<const std::uint8_t> payload) {
  if (!may_write()) return;
  // One pong waits at most, for the newest ping (RFC 6455, 5.5.3): who asks without reading the answers does
  // not fill our memory, and who asks behind a slow uplink is answered.
  connection_->deferred().clear();
  if (connection_->unsent() <= all_pongs_up_to)
    send(opcode::pong, payload);
  else
    append_frame(connection_->deferred(), opcode::pong, payload, next_mask());
}

websocket_link::step websocket_link::take_close(std::span<const std::uint8_t> payload) {
  const auto scan = scan_close_payload(payload);
  if (scan.refusal != nullptr) {
    return fail(scan.bad_text ? 1007 : 1002, std::string("the peer broke the protocol: ") + scan.refusal);
  }
  end_ = [this, said = close_reason{.code = scan.code, .text = std::string(scan.text)}] {
    send_close(said.code, {});
    set_ended({.closed = said, .failed = {}});
  };
  return step::ended;
}

websocket_link::step websocket_link::fail_size(std::uint64_t size) {
  return fail(1009, "a message of " + std::to_string(size) + " bytes or more is over the limit of " +
                        std::to_string(limits_.message) + " bytes (limits.message)");
}

websocket_link::step websocket_link::fail(std::uint16_t code, const std::string& cause) {
  end_ = [this, code, cause] {
    send_close(code, cause);
    set_ended({.closed = {}, .failed = fault{.kind = config::fault_class::protocol_error, .cause = cause}});
  };
  return step::ended;
}

void websocket_link::end_lost() {
  link_end end;
  end.failed.emplace();
  end.failed->kind = config::fault_class::lost;
  end.failed->cause = (connection_->tls_failed() ? "TLS: " : "") + *connection_->end_cause();
  if (in_message_ || in_frame_ || !connection_->received().empty())
    end.failed->cause += " in the middle of a message";
  end.failed->cause += close_sent_ ? " before it answered our close frame" : " without a close frame";
  set_ended(std::move(end));
}

void websocket_link::set_ended(link_end end) {
  ended_ = std::move(end);
  connection_->wake_sender();
}

void websocket_link::put(protocol::frame_view message) {
  if (!may_write()) return;
  const opcode code = message.kind == protocol::frame_kind::text ? opcode::text : opcode::binary;
  if (compression_ && compression_->out.wants(message.bytes.size())) {
    send(code, compression_->out.compress(message.bytes), true);
  } else {
    send(code, message.bytes);
  }
}

void websocket_link::put_and_flush(protocol::frame_view message) {
  connection_->hold_flush();
  put(message);
  connection_->flush();
}

void websocket_link::put_ping() {
  if (may_write()) send(opcode::ping, {});
}

void websocket_link::close(const close_reason& reason) {
  if (!ended_) send_close(reason.code, reason.text);
}

std::optional<masking_key> websocket_link::next_mask() const {
  if (role_ == endpoint_role::server) return std::nullopt;
  return fresh_mask();
}

void websocket_link::send(opcode code, std::span<const std::uint8_t> payload, bool compressed) {
  append_frame(connection_->cork(), code, payload, next_mask(), compressed);
  connection_->schedule_flush();
}

void websocket_link::send_close(std::uint16_t code, std::string_view text) {
  if (close_sent_) return;
  close_sent_ = true;
  connection_->deferred().clear();  // nothing follows a close frame
  const std::string frame = make_close_frame(code, text, next_mask());
  connection_->cork().append(frame.data(), frame.size());
  connection_->schedule_flush();
}

std::size_t websocket_link::unsent() const noexcept {
  // What could not be sent is gone from the queue, but it was not sent.
  return std::max<std::size_t>(connection_->unsent(), connection_->send_failed() ? 1 : 0);
}

asio::awaitable<void> websocket_link::wait_sent() {
  bool stopped = co_await cancelled();
  while (!ended_ && unsent() != 0 && !stopped) {
    co_await connection_->wait_sent();
    stopped = co_await cancelled();
  }
}

transport::clock::time_point websocket_link::last_heard() const noexcept {
  return connection_->last_heard();
}

asio::awaitable<void> websocket_link::finish(std::chrono::milliseconds limit) {
  co_await connection_->finish(limit);
  if (ended_) co_return;
  link_end end;
  end.failed.emplace();
  end.failed->cause = "the link was given up on our side";
  set_ended(std::move(end));
}

}  // namespace duplexd::net
