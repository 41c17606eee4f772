#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/session/submission.hpp"
#include "tests/daemon/support/scripted_link.hpp"

namespace duplexd::test {

/// What the daemon promises, whatever happens. All checks of the storm are here: a new state of commands
/// needs a row in `successors`, a new promise a member.
class promises {
 public:
  /// One link of the session.
  struct link {
    bool logged_in = false;  ///< the login was put
    bool granted = false;    ///< the server has let the client in
  };

  explicit promises(std::size_t outbox_bound) : bound_(outbox_bound) {}

  /// The client puts a message on a link. `id` is the submitted command's, 0 for all others.
  void put(link& on, const message& what, std::uint32_t id);

  /// The server has confirmed a command.
  void confirmed(std::uint32_t id) { fates_[id].answered = true; }

  /// A submitted command has come to a state. `is_confirmed`: its kind has a reply that confirms it.
  void changed(std::uint32_t id, const submission& now, bool is_confirmed);

  /// Looked at every now and then.
  void check_bound();

  /// At the end of the session: every command has come to its end, and to a true one.
  void check_ends();

  void require(bool kept, const std::string& promise);

  [[nodiscard]] const std::vector<std::string>& broken() const noexcept { return broken_; }
  [[nodiscard]] std::size_t ended_as(command_state state) const;

 private:
  struct fate {
    command_state state = command_state::queued;
    unsigned ends = 0;
    unsigned times_put = 0;
    bool answered = false;
    bool known = false;
  };
  std::size_t bound_;
  std::map<std::uint32_t, fate> fates_;
  std::vector<std::string> broken_;
};

}  // namespace duplexd::test
