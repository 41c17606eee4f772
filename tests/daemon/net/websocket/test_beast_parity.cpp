#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace duplexd::net::test {

/// A synchronous stream whose peer agrees to the upgrade and then sends `frames`, and nothing more.
class recorded_stream {
 public:
  using executor_type = asio::io_context::executor_type;
  using error_code = boost::system::error_code;

  recorded_stream(asio::io_context& loop, std::string frames) : loop_(loop), frames_(std::move(frames)) {}
  [[nodiscard]] executor_type get_executor() { return loop_.get_executor(); }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = {};
    const std::size_t size = asio::buffer_size(buffers);
    std::string bytes(size, '\0');
    asio::buffer_copy(asio::buffer(bytes), buffers);
    request_ += bytes;
    return size;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    error_code ignored;
    return write_some(buffers, ignored);
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    if (!answered_) incoming_ = upgrade_answer_to(request_);
    if (incoming_.empty() && answered_) incoming_ = std::exchange(frames_, {});
    answered_ = true;
    const std::size_t size = asio::buffer_copy(buffers, asio::buffer(incoming_));
    incoming_.erase(0, size);
    error = size == 0 ? error_code(asio::error::eof) : error_code();
    return size;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code ignored;
    return read_some(buffers, ignored);
  }

 private:
  asio::io_context& loop_;
  std::string frames_;
  std::string request_;
  std::string incoming_;
  bool answered_ = false;
};

inline void teardown(boost::beast::role_type, recorded_stream&, boost::system::error_code& error) {
  error = {};
}

}  // namespace duplexd::net::test

namespace {

using namespace duplexd;
using namespace duplexd::net::test;
namespace websocket = boost::beast::websocket;

constexpr std::uint64_t message_limit = 70'000;

enum class outcome : std::uint8_t { open, closed, refused };

struct reading {
  std::vector<std::pair<protocol::frame_kind, std::string>> messages;
  outcome end = outcome::open;
  bool bad_text = false;   ///< refused because of text
  bool in_middle = false;  ///< the bytes ended inside a message
};

reading read_by_beast(const std::string& bytes) {
  asio::io_context loop{1};
  websocket::stream<recorded_stream, false> stream(loop, bytes);
  stream.handshake("localhost", "/");
  stream.read_message_max(message_limit);
  reading result;
  for (;;) {
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    stream.read(buffer, error);
    if (error) {
      result.end = error == asio::error::eof           ? outcome::open
                   : error == websocket::error::closed ? outcome::closed
                                                       : outcome::refused;
      result.bad_text = error == websocket::error::bad_frame_payload;
      return result;
    }
    const auto kind = stream.got_text() ? protocol::frame_kind::text : protocol::frame_kind::binary;
    result.messages.emplace_back(
        kind, std::string(static_cast<const char*>(buffer.data().data()), buffer.data().size()));
  }
}

/// Our link reads the same, cut at random.
reading read_by_us(const std::string& bytes, std::mt19937& random) {
  raw_peer peer(message_limit);
  raw_peer::heard heard;
  std::size_t at = 0;
  while (at < bytes.size() && !peer.link().ended()) {
    const std::size_t piece = random() % 4 == 0 ? 1 + random() % 7 : 1 + random() % 100'000;
    const auto cut = std::string_view(bytes).substr(at, piece);
    peer.send(cut);
    at += cut.size();
    peer.read_into(heard);
  }
  peer.shut_down();
  while (!peer.link().ended()) peer.read_into(heard);
  reading result{.messages = std::move(heard.messages)};
  const link_end& end = *peer.link().ended();
  if (end.closed)
    result.end = outcome::closed;
  else if (end.failed->kind == config::fault_class::protocol_error)
    result.end = outcome::refused;
  else
    result.in_middle = end.failed->cause.find("in the middle") != std::string::npos;
  return result;
}

/// Frames as servers send them, mostly right.
class frame_writer {
 public:
  explicit frame_writer(std::mt19937& random) : random_(random) {}

  std::string conversation() {
    std::string bytes;
    for (auto count = below(8); count > 0; --count) bytes += one_in(3) ? fragments() : whole();
    if (one_in(3)) bytes += close();
    if (one_in(3) && !bytes.empty()) {
      const int bit = 1 << below(8);
      char& byte = bytes[below(std::min<std::size_t>(bytes.size(), 40))];
      byte = static_cast<char>(byte ^ bit);
    }
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(unsigned many) { return random_() % many == 0; }

  std::string content(bool text) {
    static constexpr std::string_view good[] = {"plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                                "longer plain text"};
    static constexpr std::size_t sizes[] = {0, 1, 7, 60, 125, 126, 300, 1536, 65535, 65536};
    const std::size_t size = sizes[below(one_in(20) ? 10 : 7)];
    std::string made;
    if (!text) return std::string(size, static_cast<char>(below(256)));
    while (made.size() < size) made += one_in(300) ? std::string_view("\xed\xa0\x80") : good[below(5)];
    return made;
  }
  std::string control() { return frame(one_in(2) ? 0x89 : 0x8a, std::string(below(126), 'p')); }

  /// Beast takes codes from 5000 on, we do not: they are left out.
  std::string close() {
    static constexpr std::string_view codes[] = {"\x03\xe8", "\x0f\xa1", "\x03\xe7", "\x03\xed", "\x07\xd0"};
    if (one_in(5)) return frame(0x88, std::string(below(2), 'x'));
    return frame(0x88,
                 std::string(codes[one_in(3) ? below(5) : below(2)]) + content(true).substr(0, below(100)));
  }

  std::string whole() {
    const bool text = one_in(2);
    return (one_in(4) ? control() : "") + frame(text ? 0x81 : 0x82, content(text));
  }
  std::string fragments() {
    const bool text = one_in(2);
    std::string left = content(text);
    std::string bytes;
    std::uint8_t first = text ? 1 : 2;
    for (auto count = below(4); count > 0; --count) {
      const std::size_t size = one_in(3) ? 0 : below(left.size() + 1);
      bytes += frame(first, left.substr(0, size));
      if (one_in(3)) bytes += control();
      left.erase(0, size);
      first = 0;
    }
    return bytes + frame(first | 0x80, left);
  }

  std::mt19937& random_;
};

}  // namespace

// Most messages never meet Beast's reader. What it would have made of the same bytes is what we make of them.
TEST_CASE("whatever comes is read as Beast alone would read it") {
  std::mt19937 random(20261121);
  frame_writer writer(random);
  int seen[3] = {};
  for (int i = 0; i < 1'500; ++i) {
    const std::string bytes = writer.conversation();
    const reading theirs = read_by_beast(bytes);
    const reading ours = read_by_us(bytes, random);
    INFO("conversation " << i << " of " << bytes.size() << " bytes");
    REQUIRE(ours.messages.size() == theirs.messages.size());
    REQUIRE(ours.messages == theirs.messages);
    const bool later =
        ours.in_middle && theirs.bad_text;  // we look at a message of one frame when it is whole
    if (!later) REQUIRE(static_cast<int>(ours.end) == static_cast<int>(theirs.end));
    ++seen[static_cast<int>(ours.end)];
  }
  for (const int count : seen) CHECK(count > 100);
}
