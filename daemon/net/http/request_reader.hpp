#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http/message_head.hpp"

namespace duplexd::net {

/// The head of an HTTP/1 request.
struct request_head : message_head {
  std::string method;  ///< "GET"
  std::string target;  ///< as it came: "/metrics?x=1"
  unsigned version = 11;
};

/// What a client may send, in bytes.
struct request_limits {
  std::size_t head = std::size_t{16} << 10;  ///< request line and fields, with the empty line
  std::size_t body = std::size_t{1} << 20;
};

/// Why a request cannot be read, and how it is answered.
struct request_failure {
  unsigned status = 400;
  std::string text;
};

/// Reads one request from bytes that come in pieces; how they are cut makes no difference. A body has a
/// Content-Length: chunked ones are refused with 411 (RFC 9112, 6.3).
class request_reader {
 public:
  enum class body_rule : std::uint8_t {
    read,
    none,  ///< what stands behind the head is not the request's
  };

  explicit request_reader(const request_limits& limits, body_rule rule = body_rule::read)
      : limits_(limits), rule_(rule) {}

  /// Takes what belongs to the request from the front of `bytes` and returns how much that was: all of it
  /// unless the request is done or cannot be read.
  std::size_t feed(std::string_view bytes);

  /// Whether nothing of a request has come yet.
  [[nodiscard]] bool untouched() const noexcept { return step_ == step::head && pending_.empty(); }
  /// The head is there.
  [[nodiscard]] bool head_done() const noexcept { return step_ == step::body || step_ == step::done; }
  /// Head and body are there.
  [[nodiscard]] bool done() const noexcept { return step_ == step::done; }
  [[nodiscard]] const std::optional<request_failure>& failure() const noexcept { return failure_; }
  /// Valid once `head_done()`.
  [[nodiscard]] request_head& head() noexcept { return head_; }
  [[nodiscard]] const request_head& head() const noexcept { return head_; }
  [[nodiscard]] std::string& body() noexcept { return body_; }
  [[nodiscard]] const std::string& body() const noexcept { return body_; }

 private:
  enum class step : std::uint8_t { head, body, done, failed };

  std::size_t feed_head(std::string_view bytes);
  void finish_head();
  void fail(unsigned status, std::string text);

  request_limits limits_;
  body_rule rule_;
  step step_ = step::head;
  request_head head_;
  std::string body_;
  std::string pending_;     ///< of a head that has not come whole
  std::uint64_t left_ = 0;  ///< bytes of the body that are to come
  std::optional<request_failure> failure_;
};

}  // namespace duplexd::net
