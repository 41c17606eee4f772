#include "daemon/control/command_ledger.hpp"

#include <utility>

namespace duplexd {

std::size_t command_ledger::cost(const key& of, const record& what) noexcept {
  constexpr std::size_t of_containers = 200;
  const auto& [session, id, source] = of;
  return session.size() + id.size() + 2 * source.size() + what.json.size() + of_containers;
}

void command_ledger::note(const std::string& session, const submission& what) {
  if (what.id.empty()) return;
  const auto [found, is_new] = records_.try_emplace(key{session, what.id, what.source});
  if (is_new)
    order_.push_back(found);
  else
    bytes_ -= cost(found->first, found->second);
  record& entry = found->second;
  entry.state = what.state;
  entry.has_ended = what.has_ended;
  entry.source = what.source;
  entry.json = json_of(session, what, largest);
  bytes_ += cost(found->first, entry);
  // What was noted now is the newest, or it is not: it stays at least until the next one.
  while (order_.size() > 1 && (order_.size() > most_commands || bytes_ > most_bytes) &&
         order_.front() != found) {
    bytes_ -= cost(order_.front()->first, order_.front()->second);
    records_.erase(order_.front());
    order_.pop_front();
  }
}

const command_ledger::record* command_ledger::find(const std::string& session, const std::string& id) const {
  const auto found = records_.find(key{session, id, ""});
  return found == records_.end() ? nullptr : &found->second;
}

// The empty source is the first.
const command_ledger::record* command_ledger::find_any(const std::string& session,
                                                       const std::string& id) const {
  const auto found = records_.lower_bound(key{session, id, ""});
  const bool is_it = found != records_.end() &&
                     std::tie(session, id) == std::tie(std::get<0>(found->first), std::get<1>(found->first));
  return is_it ? &found->second : nullptr;
}

}  // namespace duplexd
