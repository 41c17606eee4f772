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
  std::string key_file{};  ///< empty: it is in `cert_file`
};

struct mqtt_message {
  const std::string& topic;
  std::string_view payload;
  int qos;
  bool retain;
  std::string id{};  ///< of the event; empty: it has none
};

/// A connection to a broker (MQTT 5, without a session that outlives it), whose calls block, but not for
/// longer than a limit. After an error it has to be closed.
class mqtt_connection {
 public:
  using deadline = std::chrono::steady_clock::time_point;

  explicit mqtt_connection(std::chrono::milliseconds limit) : limit_(limit) {}

  /// Returns why there is no connection; empty: there is one.
  [[nodiscard]] std::string open(const mqtt_target& target);
  void close() noexcept { link_.reset(); }
  [[nodiscard]] bool is_open() const noexcept { return link_ != nullptr; }

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

  /// Waits until something can be read or written, and does that. Returns why the connection has ended.
  [[nodiscard]] std::string turn(deadline until);
  /// What can be done without a wait, pings included.
  [[nodiscard]] std::string turn_now();

 private:
  static void end(mosquitto* link) noexcept;
  [[nodiscard]] std::string configure(const mqtt_target& target);
  [[nodiscard]] std::string dial(const mqtt_target& target, const char* from, deadline until);
  [[nodiscard]] std::string serve(int milliseconds);
  [[nodiscard]] std::string no_answer() const;
  [[nodiscard]] std::string why(int error) const;

  std::chrono::milliseconds limit_;
  bool needs_retain_ = false;
  bool is_accepted_ = false;
  std::string ended_;     ///< what the broker said at the end
  std::string detail_;    ///< what the library last complained of
  bool is_idle_ = false;  ///< there was nothing to read in the last turn
  std::vector<answer> answers_;
  std::unique_ptr<mosquitto, void (*)(mosquitto*)> link_{nullptr, &end};
};

}  // namespace duplexd
