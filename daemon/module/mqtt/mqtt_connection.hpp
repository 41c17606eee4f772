#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/value/url.hpp"

struct mosquitto;
struct mosquitto_message;
struct mqtt5__property;  // NOLINT(bugprone-reserved-identifier): the library's

namespace duplexd {

/// Where a broker is, and who it is told that we are.
struct mqtt_target {
  config::url address;
  std::string user{};  ///< empty: nobody
  std::string password{};
  std::string client_id{};  ///< empty: the broker gives one
  std::chrono::milliseconds keepalive{0};
  bool retain = false;    ///< the broker must keep messages
  std::string ca_file{};  ///< empty: the system's certificates
  std::string cert_file{};
  std::string key_file{};                ///< empty: it is in `cert_file`
  std::chrono::seconds kept_session{0};  ///< how long the broker keeps it for `client_id`; 0: not at all
  bool receives = false;                 ///< nothing is written but by `write`: see `take_messages`
  std::uint32_t largest_packet = 0;  ///< for `receives`: bytes; the broker delivers nothing that is larger
  std::uint16_t most_unaccepted =
      0;  ///< for `receives`: messages that it delivers before one is acknowledged
  std::uint16_t most_unanswered = 0;  ///< for `receives`: messages that it may owe an acknowledgement
};

struct mqtt_message {
  const std::string& topic;
  std::string_view payload;
  int qos;
  bool retain;
  std::string id{};  ///< of the event; empty: it has none
  std::string correlation_data{};
};

/// What a broker delivers.
struct mqtt_delivery {
  int number = 0;  ///< the packet identifier: the same if it is delivered again to the same session
  std::string payload{};
  std::string response_topic{};
  std::string correlation_data{};
};

/// A connection to a broker (MQTT 5), whose calls block, but not for longer than a limit. After an error it
/// has to be closed.
class mqtt_connection {
 public:
  using deadline = std::chrono::steady_clock::time_point;

  explicit mqtt_connection(std::chrono::milliseconds limit) : limit_(limit) {}

  /// Returns why there is no connection; empty: there is one.
  [[nodiscard]] std::string open(const mqtt_target& target);
  void close() noexcept { link_.reset(); }
  [[nodiscard]] bool is_open() const noexcept { return link_ != nullptr; }
  /// Whether the broker had kept the session for this connection.
  [[nodiscard]] bool has_session() const noexcept { return has_session_; }

  struct sent {
    std::uint64_t key = 0;  ///< what its answer will name
    std::string refusal{};  ///< why it can never be sent
    std::string failed{};   ///< why it cannot be sent now
  };
  [[nodiscard]] sent publish(const mqtt_message& message);

  /// An acknowledgement; without quality of service: the system has taken the message.
  struct answer {
    std::uint64_t key;
    int reason;
  };
  /// Those that have come since the last call.
  [[nodiscard]] std::vector<answer> take_answers() { return std::exchange(answers_, {}); }

  /// Subscribes, without what the broker has retained. Returns why that failed.
  [[nodiscard]] std::string subscribe(const std::string& filter, deadline until);
  /// Those that have come since the last call. The library has queued their acknowledgements, which leave
  /// with the next `write`.
  [[nodiscard]] std::vector<mqtt_delivery> take_messages() { return std::exchange(messages_, {}); }
  [[nodiscard]] std::size_t count_messages() const noexcept { return messages_.size(); }
  /// Writes what is queued, for as long as the broker takes some of it within the limit. Returns why the
  /// connection has ended.
  [[nodiscard]] std::string write();
  /// For `receives`: reads a packet if one is there.
  struct reading {
    std::string failed{};  ///< why the connection has ended
    bool has_come = false;
  };
  [[nodiscard]] reading read();
  /// For `receives`: waits until there may be a packet, or `wakes` is readable. What TLS has decrypted
  /// already is not seen: `read` first.
  [[nodiscard]] std::string wait_readable(int milliseconds, int wakes);

  /// Waits until something can be read or written, and does that. Returns why the connection has ended.
  [[nodiscard]] std::string turn(deadline until);
  /// What can be done without a wait, pings included.
  [[nodiscard]] std::string turn_now();

 private:
  static void end(mosquitto* link) noexcept;
  static void bound(mosquitto* link, const mqtt_target& target);
  static void take_message(mosquitto* link, void* self, const mosquitto_message* come,
                           const mqtt5__property* with);
  [[nodiscard]] std::string configure(const mqtt_target& target);
  [[nodiscard]] std::string dial(const mqtt_target& target, const char* from, deadline until);
  [[nodiscard]] std::string serve(int milliseconds);
  [[nodiscard]] std::string no_answer() const;
  [[nodiscard]] std::string why(int error) const;

  std::chrono::milliseconds limit_;
  bool needs_retain_ = false;
  bool is_accepted_ = false;
  bool has_session_ = false;
  std::string ended_;     ///< what the broker said at the end
  std::string detail_;    ///< what the library last complained of
  bool is_idle_ = false;  ///< there was nothing to read in the last turn
  std::vector<answer> answers_;
  std::vector<mqtt_delivery> messages_;
  std::uint64_t come_ = 0;  ///< packets that told something
  int granted_ = -1;        ///< the broker's answer to `subscribe`; -1: none yet
  std::unique_ptr<mosquitto, void (*)(mosquitto*)> link_{nullptr, &end};
};

}  // namespace duplexd
