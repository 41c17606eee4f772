#include "daemon/session/exchange/reply_inbox.hpp"

#include <algorithm>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"

namespace duplexd {

using nlohmann::ordered_json;

bool wanted_reply::fits(const std::string& name, const ordered_json& data) const {
  if (std::ranges::find(names, name) == names.end()) return false;
  const bool correlated = std::ranges::all_of(equal, [&](const auto& each) {
    const ordered_json* found = config::find_path(data, each.first);
    return found != nullptr && *found == each.second;
  });
  return correlated && config::matches(data, where);
}

reply_inbox::reply_inbox(const asio::any_io_executor& loop, clock& time, const protocol::protocol& types,
                         const std::set<std::string>& names)
    : time_(time), offered_(loop) {
  for (const std::string& name : names)
    if (const auto* type = types.find(protocol::direction::reply, name)) kept_.push_back(type);
}

void reply_inbox::offer(const protocol::packet& packet) {
  if (std::ranges::find(kept_, packet.type) == kept_.end()) return;
  ordered_json data;
  if (protocol::read_json(packet, data)) return;
  if (replies_.size() == capacity) replies_.pop_front();
  replies_.push_back({next_, protocol::name_of(*packet.type), std::move(data)});
  ++next_;
  for (const observer& each : observers_) each(replies_.back(), packet);
  offered_.notify();
}

std::optional<arrived_reply> reply_inbox::find(const wanted_reply& what) {
  const auto found = std::ranges::find_if(replies_, [&](const arrived_reply& each) {
    return each.number >= what.since && what.fits(each.name, each.data);
  });
  if (found == replies_.end()) return std::nullopt;
  arrived_reply taken = std::move(*found);
  replies_.erase(found);
  return taken;
}

asio::awaitable<std::optional<arrived_reply>> reply_inbox::take(const wanted_reply& what,
                                                                clock::time_point deadline) {
  for (;;) {
    if (auto found = find(what)) co_return found;
    const bool go_on = co_await offered_.wait_until(time_, deadline);
    if (!go_on) co_return find(what);
  }
}

}  // namespace duplexd
