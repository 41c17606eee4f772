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
  std::size_t size = 0;    ///< bytes, of `values` as JSON
  bool is_marked = false;  ///< a durable one: the disk says that it is being sent
};

/// What commands take of a queue.
struct queue_load {
  std::size_t commands = 0;
  std::size_t bytes = 0;
};

/// The commands that wait to be sent: bounded, in order, each for no longer than its `ttl`. Pure: it says
/// what happened to which command, the caller tells their submitters.
class offline_queue {
 public:
  explicit offline_queue(const config::outbox_settings& settings) : settings_(settings) {}

  /// Holds from the next command on: what waits stays.
  void limit(const config::outbox_settings& settings) { settings_ = settings; }

  /// Whether there is room for one of so many bytes, beside `others`, which are on their way into the queue.
  /// Always, if the oldest make room.
  [[nodiscard]] bool has_room(std::size_t bytes, const queue_load& others) const noexcept;

  struct verdict {
    bool accepted = false;
    std::vector<std::shared_ptr<submission>> displaced{};  ///< made room, by coalescing or as the oldest
  };
  verdict push(queued_command command, const queue_load& others = {});

  /// The same for one that has room already.
  std::vector<std::shared_ptr<submission>> push_accepted(queued_command command);

  /// One that was taken before, whatever the bound says: behind all others, or before them.
  void put_back(queued_command command);
  void put_first(queued_command command);

  /// Takes out the command of that source and id; empty: it does not wait here.
  std::optional<queued_command> take(std::string_view source, std::string_view id);

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
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// When `expire` has something to do; empty: nothing waits.
  [[nodiscard]] std::optional<clock::time_point> next_expiry() const;

 private:
  using commands = std::list<queued_command>;
  [[nodiscard]] commands::iterator find_needless(const queued_command& newer);
  queued_command take(commands::iterator which);

  config::outbox_settings settings_;
  commands waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace duplexd
