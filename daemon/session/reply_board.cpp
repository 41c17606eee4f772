#include "daemon/session/reply_board.hpp"

#include <algorithm>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/within.hpp"

namespace duplexd {

using nlohmann::ordered_json;

reply_board::reply_board(const asio::any_io_executor& loop, clock& time, const protocol::protocol& types,
                         const std::set<std::string>& names)
    : loop_(loop), time_(time), offered_(loop) {
  for (const std::string& name : names)
    if (const auto* type = types.find(protocol::direction::reply, name)) kept_.push_back(type);
}

void reply_board::offer(const protocol::packet& packet) {
  if (std::ranges::find(kept_, packet.type) == kept_.end()) return;
  ordered_json data;
  if (protocol::read_json(packet, data)) return;
  if (replies_.size() == capacity) replies_.pop_front();
  replies_.push_back({protocol::name_of(*packet.type), std::move(data)});
  offered_.notify();
}

std::optional<ordered_json> reply_board::find(const std::string& name) {
  const auto found = std::ranges::find(replies_, name, &reply::name);
  if (found == replies_.end()) return std::nullopt;
  ordered_json data = std::move(found->data);
  replies_.erase(found);
  return data;
}

asio::awaitable<ordered_json> reply_board::wait(std::string name) {
  while (!co_await cancelled()) {
    if (auto found = find(name)) co_return std::move(*found);
    co_await offered_.wait();
  }
  co_return ordered_json{};
}

asio::awaitable<std::optional<ordered_json>> reply_board::take(std::string name, clock::time_point deadline) {
  co_return co_await within(loop_, time_, deadline, wait(std::move(name)));
}

}  // namespace duplexd
