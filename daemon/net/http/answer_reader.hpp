#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http/message_head.hpp"

namespace duplexd::net {

/// The head of an HTTP/1 answer.
struct answer_head : message_head {
  unsigned version = 11;  ///< 11: HTTP/1.1
  unsigned status = 0;
  std::string reason;  ///< if the server gave none: the usual one of the status
};

/// What a server may send, in bytes.
struct answer_limits {
  std::size_t head = std::size_t{64} << 10;     ///< status line and fields, with the empty line
  std::size_t interim = std::size_t{64} << 10;  ///< all interim answers (1xx) together
  std::size_t chunk_line = 4096;                ///< a chunk's size and extensions, with the end of the line
  std::size_t chunk_lines = std::size_t{64} << 10;  ///< of all chunk lines what is beyond 20 bytes each
  std::size_t trailers = std::size_t{16} << 10;     ///< the fields behind a chunked body, with the empty line
  std::size_t body = std::size_t{1} << 20;          ///< without chunking
  std::string_view sender = "server";               ///< who answers, for messages
};

/// Why an answer cannot be read.
struct answer_failure {
  enum class reason : std::uint8_t {
    too_large,   ///< a part is over its limit
    malformed,   ///< not HTTP
    incomplete,  ///< the connection ended before the answer did
  };
  reason why = reason::malformed;
  std::string text;  ///< for people: what is wrong, or which part is over which limit
};

/// Reads the answer to one request from bytes that come in pieces; how they are cut makes no difference.
/// Interim answers (1xx but 101) are skipped. A status line may lack its reason phrase. Trailers are checked
/// and dropped.
class answer_reader {
 public:
  enum class body_rule : std::uint8_t {
    read,  ///< as the head says
    none,  ///< there is none, whatever the head says: HEAD, or only the head is wanted
  };

  explicit answer_reader(const answer_limits& limits, body_rule rule = body_rule::read)
      : limits_(limits), rule_(rule) {}

  /// Takes what belongs to the answer from the front of `bytes` and returns how much that was: all of it
  /// unless the answer is done or cannot be read.
  std::size_t feed(std::string_view bytes);

  /// Nothing more will come: completes a body that ends with the connection.
  void feed_end();

  /// The head is there; what comes behind it may have failed.
  [[nodiscard]] bool head_done() const noexcept { return head_.status != 0; }
  /// Head and body are there.
  [[nodiscard]] bool done() const noexcept { return step_ == step::done; }
  [[nodiscard]] const std::optional<answer_failure>& failure() const noexcept { return failure_; }
  /// Valid once `head_done()`.
  [[nodiscard]] const answer_head& head() const noexcept { return head_; }
  [[nodiscard]] answer_head& head() noexcept { return head_; }
  /// What came of the body so far.
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  [[nodiscard]] std::string& body() noexcept { return body_; }
  /// The first 64 bytes that came, for messages.
  [[nodiscard]] const std::string& begin() const noexcept { return begin_; }

 private:
  enum class step : std::uint8_t {
    head,
    sized_body,
    endless_body,  ///< until the connection ends
    chunk_line,
    chunk_data,
    chunk_end,
    trailers,
    done,
    failed,
  };

  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_data(std::string_view bytes, step next);
  std::size_t feed_endless(std::string_view bytes);
  std::size_t feed_chunk_line(std::string_view bytes);
  std::size_t feed_chunk_end(std::string_view bytes);
  std::size_t feed_trailers(std::string_view bytes);
  std::size_t feed_block(std::string_view bytes, std::size_t limit, bool& whole);
  void finish_head();
  void finish_chunk_line();
  void finish_trailers();
  void fail(answer_failure::reason why, std::string text);
  void fail_size(std::string_view part, std::string_view verb, std::size_t limit);

  answer_limits limits_;
  body_rule rule_;
  step step_ = step::head;
  answer_head head_;
  std::string body_;
  std::string begin_;
  std::string pending_;            ///< the head, line or trailers that have not come whole
  std::uint64_t left_ = 0;         ///< bytes of the body or chunk that are to come
  std::size_t interim_bytes_ = 0;  ///< counted against `limits_.interim`
  std::size_t line_bytes_ = 0;     ///< counted against `limits_.chunk_lines`
  std::optional<answer_failure> failure_;
};

}  // namespace duplexd::net
