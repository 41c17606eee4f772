#include "daemon/session/reply_board.hpp"

#include <algorithm>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/within.hpp"

namespace duplexd {

using nlohmann::ordered_json;

reply_board::reply_board(asio::any_io_executor loop, clock& time, std::set<std::string> names)
    : loop_(loop), time_(time), names_(std::move(names)), offered_(loop) {}

void reply_board::offer(const protocol::packet& packet) {
  const std::string& name = protocol::name_of(*packet.type);
  if (!names_.contains(name)) return;
  ordered_json data;
  if (protocol::read_json(packet, data)) return;
  if (replies_.size() == capacity) replies_.pop_front();
  replies_.push_back({name, std::move(data)});
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
