#pragma once

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/value/url.hpp"
#include "daemon/module/nats/nats_answer.hpp"
#include "daemon/module/nats/nats_inbox.hpp"

namespace duplexd {

/// Where a server is, and who it is told that we are.
struct nats_target {
  config::url address;
  std::string user{};  ///< empty: nobody
  std::string password{};
  std::string token{};       ///< instead of a user
  std::string creds_file{};  ///< empty: none
  std::string ca_file{};     ///< empty: the system's certificates
  std::string cert_file{};
  std::string key_file{};  ///< empty: it is in `cert_file`
};

/// A connection to a NATS server, whose calls block, but not for longer than a limit. It is not made again by
/// itself: after an error it has to be closed.
class nats_connection {
 public:
  using deadline = std::chrono::steady_clock::time_point;

  explicit nats_connection(std::chrono::milliseconds limit) : limit_(limit) {}
  ~nats_connection() { close(); }
  nats_connection(const nats_connection&) = delete;
  nats_connection& operator=(const nats_connection&) = delete;

  /// Returns why there is no connection; empty: there is one.
  [[nodiscard]] std::string open(const nats_target& target);
  void close() noexcept;
  /// False also when the server has ended it.
  [[nodiscard]] bool is_open() const noexcept;

  struct sent {
    std::string refusal{};  ///< why it can never be sent
    std::string failed{};   ///< why it cannot be sent now
  };
  /// `key`: what JetStream's answer will name; none: no answer is wanted.
  [[nodiscard]] sent publish(const std::string& subject, std::string_view payload, const std::string& id,
                             std::optional<std::uint64_t> key);

  struct answer {
    std::string failed{};        ///< why there is none
    bool has_no_stream = false;  ///< nobody listens to that subject, not even a stream
    std::uint64_t key = 0;
    nats_answer what{};
  };
  [[nodiscard]] answer wait_answer(deadline until);

  /// Waits until the server has everything. Returns why that failed.
  [[nodiscard]] std::string flush();

  struct statement {
    std::string failed{};  ///< why there is none
    std::string text{};
  };
  /// Asks JetStream, and waits for what it says.
  [[nodiscard]] statement ask(const std::string& subject);

  /// Subscribes: what comes is put into the inbox by the library's thread. Returns why that failed.
  [[nodiscard]] std::string listen(const std::string& subject, const std::shared_ptr<nats_inbox>& into);
  /// Subscribes to what `pull` asks for.
  [[nodiscard]] std::string listen_for_pulls(const std::shared_ptr<nats_inbox>& into);
  /// Asks for messages. Returns why that failed.
  [[nodiscard]] std::string pull(const std::string& subject, const std::string& request);
  /// Messages of that subscription that were dropped because the inbox and the library were full.
  [[nodiscard]] std::uint64_t lost() const noexcept;
  /// Why the server, or the network, has ended the connection; empty: it has not, or there was none.
  [[nodiscard]] std::string end_cause() const;

  /// Messages that wait in the library while the inbox is full, and their bytes.
  static constexpr int most_pending = 16'384;
  static constexpr int most_pending_bytes = 8 << 20;

 private:
  [[nodiscard]] std::string listen(const std::string& subject, const std::shared_ptr<nats_inbox>& into,
                                   int bytes);
  [[nodiscard]] std::string configure(natsOptions* options, const nats_target& target) const;
  [[nodiscard]] std::string why(natsStatus status) const;
  [[nodiscard]] std::string no_answer() const;
  /// What the server has said meanwhile; empty: nothing.
  [[nodiscard]] std::string last_error() const;

  std::chrono::milliseconds limit_;
  natsConnection* link_ = nullptr;
  natsSubscription* answers_ = nullptr;
  natsSubscription* listening_ = nullptr;
  std::string inbox_;  ///< with a dot at its end
  std::string pulls_;  ///< where messages go that are asked for
};

}  // namespace duplexd
