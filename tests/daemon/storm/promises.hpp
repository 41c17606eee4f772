#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/event/events.hpp"
#include "daemon/session/exchange/submission.hpp"
#include "tests/daemon/storm/stormy_link.hpp"
#include "tests/daemon/support/scripted_link.hpp"

namespace duplexd::test {

/// What the daemon promises, whatever happens. It sees what is submitted, what passes each link and what is
/// told, and knows by itself what must follow and when. All checks of the storm are here: a new state of
/// commands needs a row in `successors` and a check of its own, a new promise a member.
class promises {
 public:
  /// Commands of a user; see the storm's configuration.
  enum class kind : std::uint8_t { order, note, quote };

  promises(const clock& time, std::size_t outbox_bound) : time_(time), bound_(outbox_bound) {}

  /// A user is about to submit a command.
  void submits(std::uint32_t id, kind what, std::uint32_t symbol);
  /// It has come to a state.
  void changed(std::uint32_t id, const submission& now);
  /// Commands are refused from now on.
  void stops() { stopping_ = true; }

  /// What passes the link that is open: the client has put it, the kernel has taken it, the client has read
  /// it.
  void opened(const stormy_wire& wire);
  void put(const message& what);
  void put_ping();
  void taken(const message& what);
  void heard(const message& what);

  /// What the session told of itself, and what its next dial comes to.
  void told(const event& what);
  void dials(const std::optional<fault>& failure) { planned_ = failure; }

  /// While nothing happens: nothing is left undone, and the events are those of what was heard.
  void check_rest(const std::vector<std::string>& events);

  /// At the end of the session: every command has come to its end.
  void check_ends();

  void require(bool kept, const std::string& promise);

  [[nodiscard]] const std::vector<std::string>& broken() const noexcept { return broken_; }
  [[nodiscard]] std::size_t ended_as(command_state state) const;
  [[nodiscard]] unsigned gaps() const noexcept { return gaps_; }

 private:
  using time_point = clock::time_point;
  struct fate {
    kind what = kind::order;
    std::uint32_t symbol = 0;
    time_point submitted{};
    std::uint32_t slot = 0;  ///< commands leave in this order
    bool waits = false;      ///< in the queue
    command_state state = command_state::queued;
    unsigned ends = 0;
    unsigned times_put = 0;
    unsigned link = 0;  ///< that it was put on
    bool taken = false;
    time_point written{};
    std::optional<time_point> answered{};  ///< on that link
  };
  struct link {
    const stormy_wire* wire = nullptr;
    unsigned number = 0;
    time_point opened{};
    bool logged_in = false;
    std::optional<time_point> granted{};
    unsigned hellos = 0;
    unsigned pings = 0;
  };
  struct expected_news {
    std::uint32_t number = 0;
    unsigned link = 0;  ///< that the last one came on
  };
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool is_alive(unsigned number) const;
  void put_command(const message& what, fate& mine, const std::string& who);
  void check_end(const fate& mine, const submission& now, const std::string& who);
  void check_fault(const fault& what);
  void expect_event(const std::string& rest);

  const clock& time_;
  std::size_t bound_;
  bool stopping_ = false;
  std::map<std::uint32_t, fate> fates_;
  std::uint32_t last_submitted_ = 0;
  std::uint32_t last_slot_put_ = 0;
  std::optional<link> link_;  ///< the open one
  unsigned links_ = 0;
  std::optional<fault> planned_;
  std::optional<time_point> next_attempt_;
  std::vector<std::string> events_;  ///< as they must be: whole lines, or the beginning of one
  std::size_t events_seen_ = 0;
  std::optional<expected_news> next_news_;
  unsigned gaps_ = 0;
  std::vector<std::string> broken_;
};

/// The bytes of a command, as the storm's configuration lays them out.
[[nodiscard]] std::string bytes_of(promises::kind what, std::uint32_t id, std::uint32_t symbol);

/// A number in a message's bytes.
[[nodiscard]] std::uint32_t number_at(const message& what, std::size_t offset);

}  // namespace duplexd::test
