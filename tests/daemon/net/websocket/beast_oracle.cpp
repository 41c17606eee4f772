#include "tests/daemon/net/websocket/beast_oracle.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <memory>

#include "daemon/net/websocket/handshake_text.hpp"

namespace duplexd::net::test {
namespace {

/// Takes a text apart into pieces.
class piecewise {
 public:
  piecewise(std::string_view bytes, piece_sizes sizes) : left_(bytes), sizes_(sizes) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::string_view next(std::size_t most) {
    std::size_t size = most;
    if (!sizes_.empty()) size = std::min<std::size_t>(size, std::size_t{1} + sizes_[turn_++ % sizes_.size()]);
    const auto piece = left_.substr(0, size);
    left_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view left_;
  piece_sizes sizes_;
  std::size_t turn_ = 0;
};

/// A synchronous stream for Beast whose peer does its part of the handshake and then sends `frames`, and
/// nothing more. Keeps what Beast writes.
class recorded_stream {
 public:
  using executor_type = asio::io_context::executor_type;
  using error_code = boost::system::error_code;

  recorded_stream(asio::io_context& loop, endpoint_role ours, piecewise frames)
      : loop_(loop), frames_(frames) {
    if (ours == endpoint_role::server)
      incoming_ =
          "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  }
  [[nodiscard]] executor_type get_executor() { return loop_.get_executor(); }
  [[nodiscard]] std::string& written() { return written_; }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = {};
    const std::size_t before = written_.size();
    written_.resize(before + asio::buffer_size(buffers));
    return asio::buffer_copy(asio::buffer(written_.data() + before, written_.size() - before), buffers);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    error_code ignored;
    return write_some(buffers, ignored);
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    error = {};
    const std::string_view name = "Sec-WebSocket-Key: ";
    if (const auto at = written_.find(name); at != std::string::npos) {
      const auto key = std::string_view(written_).substr(at + name.size());
      incoming_ = acceptance_text(key.substr(0, key.find('\r')), "");
      written_.clear();
    }
    std::size_t size = asio::buffer_copy(buffers, asio::buffer(incoming_));
    if (size != 0) {
      incoming_.erase(0, size);
      return size;
    }
    size = asio::buffer_copy(buffers, asio::buffer(frames_.next(asio::buffer_size(buffers))));
    if (size == 0) error = asio::error::eof;
    return size;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code ignored;
    return read_some(buffers, ignored);
  }

 private:
  asio::io_context& loop_;
  piecewise frames_;
  std::string incoming_;
  std::string written_;
};

void teardown(boost::beast::role_type /*role*/, recorded_stream& /*stream*/,
              boost::system::error_code& error) {
  error = {};
}

/// Puts what Beast wrote, pongs and a close frame, into `out`; a close code only if Beast refused.
void note_written(std::string bytes, endpoint_role ours, reading& out) {
  const auto peer = ours == endpoint_role::client ? endpoint_role::server : endpoint_role::client;
  while (!bytes.empty()) {
    auto* raw = reinterpret_cast<std::uint8_t*>(bytes.data());
    const auto header = scan_frame_header({raw, bytes.size()}, peer, false).header.value();
    const std::span<std::uint8_t> payload(raw + header.size, static_cast<std::size_t>(header.length));
    apply_mask(payload, header.mask);
    if (header.code == opcode::pong) out.pings.emplace_back(payload.begin(), payload.end());
    if (header.code == opcode::close && out.end == reading::end_kind::refused)
      out.code = scan_close_payload(payload).code;
    bytes.erase(0, header.size + payload.size());
  }
}

bool is_utf8(const std::string& text) {
  return good_utf8({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) == text.size();
}

template <class T>
bool starts_with(const std::vector<T>& longer, const std::vector<T>& start) {
  return start.size() <= longer.size() && std::equal(start.begin(), start.end(), longer.begin());
}

}  // namespace

reading read_by_us(std::string_view bytes, endpoint_role ours, std::uint64_t message_limit,
                   piece_sizes pieces, bool deflate) {
  auto unpacker = deflate ? std::make_unique<inflater>(deflate_agreement{}) : nullptr;
  frame_reader reader(ours, {.message = message_limit}, std::move(unpacker));
  piecewise left(bytes, pieces);
  byte_queue in;
  reading made;
  protocol::frame_view out;
  for (;;) {
    switch (reader.next(in, out)) {
      case frame_reader::event::message:
        made.messages.emplace_back(out.kind, std::string(out.bytes.begin(), out.bytes.end()));
        break;
      case frame_reader::event::ping:
        made.pings.emplace_back(out.bytes.begin(), out.bytes.end());
        break;
      case frame_reader::event::closed:
        made.end = reading::end_kind::closed;
        made.code = reader.closed().code;
        made.text = reader.closed().text;
        return made;
      case frame_reader::event::refused:
        made.end = reading::end_kind::refused;
        made.code = reader.refusal().code;
        // Without what the peer sent instead of a frame: how much of it is shown depends on what has arrived.
        made.text = reader.refusal().cause;
        made.text.resize(std::min(made.text.size(), made.text.find("; instead of a frame")));
        return made;
      case frame_reader::event::dry:
        if (left.empty()) return made;
        const auto piece = left.next(bytes.size());
        in.append(piece.data(), piece.size());
        break;
    }
  }
}

reading read_by_beast(std::string_view bytes, endpoint_role ours, std::uint64_t message_limit,
                      piece_sizes pieces) {
  namespace websocket = boost::beast::websocket;
  asio::io_context loop{1};
  websocket::stream<recorded_stream, false> stream(loop, ours, piecewise(bytes, pieces));
  if (ours == endpoint_role::client)
    stream.handshake("localhost", "/");
  else
    stream.accept();
  stream.next_layer().written().clear();
  stream.read_message_max(message_limit);
  reading made;
  boost::system::error_code error;
  for (;;) {
    boost::beast::flat_buffer buffer;
    stream.read(buffer, error);
    if (error) break;
    const auto kind = stream.got_text() ? protocol::frame_kind::text : protocol::frame_kind::binary;
    made.messages.emplace_back(
        kind, std::string(static_cast<const char*>(buffer.data().data()), buffer.data().size()));
  }
  if (error == websocket::error::closed) {
    const auto& reason = stream.reason();
    made.end = reading::end_kind::closed;
    made.code = reason.code == websocket::close_code::none ? std::uint16_t{1005} : reason.code;
    made.text.assign(reason.reason.data(), reason.reason.size());
  } else if (error != asio::error::eof) {
    made.end = reading::end_kind::refused;
  }
  note_written(stream.next_layer().written(), ours, made);
  return made;
}

std::string disagreement(std::string_view bytes, endpoint_role role, std::uint64_t message_limit,
                         piece_sizes pieces) {
  using end_kind = reading::end_kind;
  reading ours = read_by_us(bytes, role, message_limit, pieces);
  reading theirs = read_by_beast(bytes, role, message_limit, pieces);

  // We refuse by the first bytes of a header, Beast when it has the whole header: give it the rest of one.
  if (ours.end == end_kind::refused && theirs.end == end_kind::open)
    theirs = read_by_beast(std::string(bytes) + std::string(14, '\0'), role, message_limit, pieces);

  // Beast looks at the text of one frame as it comes, we when it is whole: give us the rest of it.
  if (ours.end == end_kind::open && theirs.end == end_kind::refused && theirs.code == 1007)
    ours = read_by_us(std::string(bytes) + std::string(message_limit, '\0'), role, message_limit, pieces);

  const std::string why = ours.end == end_kind::refused ? std::exchange(ours.text, {}) : std::string();

  // Beast tells a bad reason of a close frame by 1002, we by 1007, as RFC 6455, 8.1 has it.
  if (why.find("close reason") != std::string::npos && theirs.code == 1002) theirs.code = 1007;

  // Beast tells a length over 63 bits as one over the limit, we as one that RFC 6455, 5.2 forbids.
  if (why.find("over 63 bits") != std::string::npos && theirs.code == 1009) theirs.code = 1002;

  // Beast takes close codes over 4999, which RFC 6455, 7.4.2 does not know, and not 1014, which IANA has
  // since registered.
  if (why.find("a close code") != std::string::npos && theirs.end == end_kind::closed && theirs.code >= 5000)
    theirs = {theirs.messages, theirs.pings, ours.end, ours.code, {}};
  if (ours.end == end_kind::closed && ours.code == 1014 && theirs.end == end_kind::refused)
    ours = {ours.messages, ours.pings, theirs.end, theirs.code, {}};

  // Beast does not look at a text's end if the last fragment is empty, and hands it out cut off.
  const std::size_t heard = ours.messages.size();
  if (ours.end == end_kind::refused && ours.code == 1007 && theirs.messages.size() > heard &&
      theirs.messages[heard].first == protocol::frame_kind::text && !is_utf8(theirs.messages[heard].second)) {
    const bool same = starts_with(theirs.messages, ours.messages) && starts_with(theirs.pings, ours.pings);
    return same ? "" : "messages or pings before a text that is cut off";
  }

  if (ours.messages != theirs.messages) return "messages";
  if (ours.pings != theirs.pings) return "pings";
  if (ours.end != theirs.end) return "end: " + (why.empty() ? "not refused by us" : why);
  if (ours.code != theirs.code)
    return "code: " + std::to_string(ours.code) + ", " + std::to_string(theirs.code);
  return ours.text == theirs.text ? "" : "close reason";
}

}  // namespace duplexd::net::test
