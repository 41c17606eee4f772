#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/session/exchange/submission.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// A packed command that waits.
struct queued_command {
  std::shared_ptr<submission> fate;
  std::shared_ptr<const config::command_settings> settings{};
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::vector<std::uint8_t> bytes;
  nlohmann::ordered_json values;  ///< for `coalesce` and `correlate`
  clock::time_point expires{};
  bool is_marked = false;  ///< a durable one: the disk says that it is being sent
};

/// The commands that wait to be sent: bounded, in order, each for no longer than its `ttl`. Pure: it says
/// what happened to which command, the caller tells their submitters.
class offline_queue {
 public:
  explicit offline_queue(const config::outbox_settings& settings) : settings_(settings) {}

  /// Holds from the next command on: what waits stays.
  void limit(const config::outbox_settings& settings) { settings_ = settings; }

  struct verdict {
    bool accepted = false;
    std::shared_ptr<submission> displaced{};  ///< made room, by coalescing or as the oldest
  };
  verdict push(queued_command command);

  /// One that was taken before, whatever the bound says: behind all others, or before them.
  void put_back(queued_command command) { waiting_.push_back(std::move(command)); }
  void put_first(queued_command command) { waiting_.push_front(std::move(command)); }

  /// Takes out the command of that id; empty: it does not wait here.
  std::optional<queued_command> take(std::string_view id);

  /// Calls `look` with each.
  template <class Look>
  void for_each(Look look) {
    for (queued_command& each : waiting_) look(each);
  }

  /// The commands whose time has passed, taken out.
  std::vector<std::shared_ptr<submission>> expire(clock::time_point now);

  /// The next one to be sent, taken out. Expire first: a stale command is never sent.
  std::optional<queued_command> pop();
  [[nodiscard]] const queued_command* front() const;

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

  /// When `expire` has something to do; empty: nothing waits.
  [[nodiscard]] std::optional<clock::time_point> next_expiry() const;

 private:
  config::outbox_settings settings_;
  std::list<queued_command> waiting_;
};

}  // namespace duplexd
