#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"

struct z_stream_s;  // zlib's, so that its header stays with us

/// Compression of messages, RFC 7692: the client's side. Pure, no I/O, no Boost.
namespace duplexd::net {

/// What both sides agreed on (RFC 7692, 7.1).
struct deflate_agreement {
  std::optional<int> server_window_bits{};  ///< 8 to 15; nothing was said: 15
  std::optional<int> client_window_bits{};
  bool server_takeover = true;  ///< a message may refer to those before it
  bool client_takeover = true;
};

/// The value of Sec-WebSocket-Extensions with which a client asks for it.
[[nodiscard]] std::string deflate_offer(const config::deflate_settings& wanted);

/// Reads the server's Sec-WebSocket-Extensions. Nothing, and `why`, if it agrees to what was not offered
/// (RFC 7692, 7.1: the client must fail the connection).
[[nodiscard]] std::optional<deflate_agreement> read_deflate_answer(std::string_view header,
                                                                   const config::deflate_settings& offered,
                                                                   std::string& why);

/// Decompresses the messages of one link, in their order. Memory for it is taken with the first one: the
/// window and about 10 KB.
class inflater {
 public:
  explicit inflater(const deflate_agreement& agreed) noexcept;

  enum class result : std::uint8_t { good, too_long, corrupt };

  /// Appends what `payload`, a part of a message and its end if `last`, unpacks to to the first `size` bytes
  /// of `out`, which grows but never shrinks here; no more than `limit` bytes are ever written. After
  /// anything but `good` it must not be used again. Throws `std::bad_alloc`.
  [[nodiscard]] result add(std::span<const std::uint8_t> payload, bool last, std::uint64_t limit,
                           std::vector<std::uint8_t>& out, std::size_t& size);

 private:
  result run(std::span<const std::uint8_t> bytes, std::uint64_t limit, std::vector<std::uint8_t>& out,
             std::size_t& size);
  [[nodiscard]] bool between_blocks() const noexcept;

  struct end_of_stream {
    void operator()(z_stream_s* stream) const noexcept;
  };
  std::unique_ptr<z_stream_s, end_of_stream> stream_;
  int window_bits_;
  bool takeover_;
};

/// Compresses messages for one link, in their order. Memory for it is taken with the first one: up to 256 KB,
/// less with a smaller window.
class deflater {
 public:
  deflater(const deflate_agreement& agreed, const config::deflate_settings& how) noexcept;

  /// Whether a message of this size is sent compressed.
  [[nodiscard]] bool wants(std::size_t size) const noexcept;

  /// The payload of the message's frame, to be sent with RSV1 set. Valid until the next call. Every result
  /// has to be sent: the messages after it refer to it. Throws `std::bad_alloc`.
  [[nodiscard]] std::span<const std::uint8_t> compress(std::span<const std::uint8_t> message);

  /// Gives back memory that an idle link does not need.
  void shrink() noexcept;

 private:
  struct end_of_stream {
    void operator()(z_stream_s* stream) const noexcept;
  };
  std::unique_ptr<z_stream_s, end_of_stream> stream_;
  std::vector<std::uint8_t> out_;
  std::uint64_t threshold_;
  int window_bits_;
  int level_;
  bool takeover_;
};

}  // namespace duplexd::net
