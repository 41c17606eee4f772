#include "daemon/session/outbox.hpp"

#include "daemon/async/cancelled.hpp"

namespace duplexd {

void outbox::attach(transport* link) {
  link_ = link;
  for (const auto& command : leaving_) command->state = command_state::unknown;
  leaving_.clear();
  changed_.notify();
}

std::shared_ptr<submission> outbox::refuse(std::string why) {
  return std::make_shared<submission>(submission{command_state::refused, std::move(why)});
}

std::shared_ptr<const submission> outbox::submit(const protocol::protocol& types, const std::string& command,
                                                 const nlohmann::ordered_json& values) {
  const protocol::message_type* type = types.find(protocol::direction::command, command);
  if (type == nullptr) return refuse("the protocol has no such command");
  scratch_.clear();
  if (const auto error = protocol::pack(*type, values, scratch_)) return refuse(error->text());
  return submit(protocol::frame_view{protocol::frame_of(*type), scratch_});
}

std::shared_ptr<const submission> outbox::submit(protocol::frame_view message) {
  if (link_ == nullptr || link_->ended()) return refuse("there is no link");
  if (link_->unsent() > high_water) return refuse("too much is waiting to be sent");
  auto command = std::make_shared<submission>();
  link_->put(message);
  leaving_.push_back(command);
  changed_.notify();
  return command;
}

asio::awaitable<void> outbox::wait_ended(const submission& command) {
  bool go_on = true;
  while (go_on && command.state == command_state::queued) go_on = co_await changed_.wait();
}

asio::awaitable<void> outbox::run() {
  while (!co_await cancelled()) {
    if (leaving_.empty()) {
      co_await changed_.wait();
      continue;
    }
    co_await link_->wait_sent();
    if (link_->ended()) co_return;
    if (link_->unsent() != 0) continue;
    for (const auto& command : leaving_) command->state = command_state::written;
    leaving_.clear();
    changed_.notify();
  }
}

}  // namespace duplexd
