#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/session/script/mailbox.hpp"

namespace duplexd {

/// The handlers of one kind of reply. A reply is offered to those only whose first text condition
/// (`where: {type: trade}`) may hold: one search of the reply's JSON for each distinct name, however many
/// handlers there are.
class handler_index {
 public:
  /// `box` outlives the index.
  void add(mailbox& box);

  /// Offers the reply to the handlers in the order in which they were added.
  void offer(offered_reply& reply);

  /// All fields that the handlers look at.
  [[nodiscard]] const field_list& looked_at() const noexcept { return looked_at_; }

 private:
  using places = std::vector<std::size_t>;  ///< in `boxes_`
  using by_value = std::map<std::string, places, std::less<>>;

  void find_candidates(std::string_view json);

  std::vector<mailbox*> boxes_;
  places unindexed_;
  std::map<std::string, by_value> by_name_;  ///< by the name of a member as JSON, then by its text
  places candidates_;
  field_list looked_at_;
};

}  // namespace duplexd
