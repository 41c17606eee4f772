#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/output/broker_receiver.hpp"

namespace duplexd {

/// How much a durable consumer of a stream may be asked for.
struct jetstream_consumer {
  std::string mistake{};                ///< why commands cannot be received from it; empty: they can
  std::vector<std::string> subjects{};  ///< that it delivers; empty: all of its stream
  std::size_t messages = broker_receiver::most_messages;  ///< of one request
  std::size_t bytes = broker_receiver::most_bytes;        ///< of a request for several messages
  std::size_t message_bytes = 0;                          ///< of a request for one; 0: no limit
  std::chrono::milliseconds wait{5'000};                  ///< how long a request may wait for a message
};

/// Bytes of what JetStream says of a consumer or a stream.
inline constexpr std::size_t largest_answer = std::size_t{1} << 20;

/// Reads what JetStream says of a consumer. Pure, as all that follows.
[[nodiscard]] jetstream_consumer read_consumer(std::string_view answer, const std::string& stream,
                                               const std::string& consumer);

struct stream_subjects {
  std::string mistake{};  ///< why they are not known
  std::vector<std::string> subjects{};
};
/// Reads what JetStream says of a stream.
[[nodiscard]] stream_subjects read_stream(std::string_view answer);

/// A request for that many messages; without `bytes` they may have any size.
[[nodiscard]] std::string pull_request(std::size_t messages, std::size_t bytes,
                                       std::chrono::milliseconds wait);

/// Why nothing can be received, if a request for one message, or for several, ends with this status, as in
/// "408 Request Timeout"; empty: the next request may be made.
[[nodiscard]] std::string mistake_in_status(std::string_view status, bool is_for_one);

/// What names a message of a stream: the `Nats-Msg-Id` that its publisher gave it, unless that is too long;
/// else its number and its time, for a stream that is created again counts from one.
[[nodiscard]] std::string id_of(std::string_view given, std::uint64_t sequence, std::int64_t time);

}  // namespace duplexd
