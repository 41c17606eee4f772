#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/async/notifier.hpp"
#include "daemon/link/transport.hpp"
#include "protocol/protocol.hpp"

namespace duplexd {

/// Where a submitted command stands. Every command ends in exactly one of the last three states.
enum class command_state : std::uint8_t {
  queued,   ///< handed to the link, not yet to the kernel
  written,  ///< the kernel has all of it
  refused,  ///< never sent: unknown, does not fit its layout, or no link
  unknown,  ///< the link ended while it was leaving: the server may have seen it or not
};

/// One command on its way.
struct submission {
  command_state state = command_state::queued;
  std::string why;  ///< only if refused
};

/// The one door by which commands enter a session, scripted ones too.
class outbox {
 public:
  /// Above this many bytes on their way, `submit()` refuses; a script waits for its last command instead.
  static constexpr std::size_t high_water = 8u << 20;
  static constexpr std::size_t low_water = 256u << 10;

  explicit outbox(const asio::any_io_executor& loop) : changed_(loop) {}

  /// The link that commands leave by; null between links. Taking it away ends what is still on its way.
  void attach(transport* link);

  /// Packs and sends now, in this turn of the loop. Never suspends, never throws.
  std::shared_ptr<const submission> submit(const protocol::protocol& types, const std::string& command,
                                           const nlohmann::ordered_json& values);

  /// The same for a message that has no layout: the login.
  std::shared_ptr<const submission> submit(protocol::frame_view message);

  /// Whether so much is on its way that whoever can should wait for its last command.
  [[nodiscard]] bool congested() const noexcept { return link_ != nullptr && link_->unsent() > low_water; }

  /// Suspends until the command is no longer queued. May be cancelled.
  asio::awaitable<void> wait_ended(const submission& command);

  /// Moves commands on to `written`; runs as long as the link, until cancelled.
  asio::awaitable<void> run();

 private:
  std::shared_ptr<submission> refuse(std::string why);

  transport* link_ = nullptr;
  std::vector<std::shared_ptr<submission>> leaving_;
  std::vector<std::uint8_t> scratch_;
  notifier changed_;
};

}  // namespace duplexd
