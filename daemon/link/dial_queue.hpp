#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Who may dial now, when many want to. Pure: time comes in as an argument.
///
/// There are so many places for dials. Servers take turns, so that the crowd before one of them keeps nobody
/// from another; those who wait for one server come in the order of their asking. A dial holds its place for
/// `longest` at most: one that takes longer waits for its peer and costs next to nothing, and a server that
/// does not answer must not hold the others up.
class dial_queue {
 public:
  using number = std::uint64_t;
  static constexpr std::chrono::milliseconds longest{1'000};

  /// `places` is positive.
  explicit dial_queue(std::size_t places) : places_(places) {}

  /// Gets in line. The number is the caller's until `leave`.
  number enter(const std::string& server);

  /// The dial is over, or is not wanted any more.
  void leave(const std::string& server, number who);

  /// Who may begin at `now`; each is told once.
  std::vector<number> admit(clock::time_point now);

  /// When `admit` may have somebody even if nobody leaves; empty: nobody waits.
  [[nodiscard]] std::optional<clock::time_point> check_at() const;

 private:
  struct place {
    number who;
    clock::time_point until;
  };
  std::size_t places_;
  number last_ = 0;
  std::map<std::string, std::set<number>> waiting_;  ///< by server; no set is empty
  std::string turn_;                                 ///< the server that had the last turn
  std::list<place> taken_;                           ///< in the order of their ends
};

}  // namespace duplexd
