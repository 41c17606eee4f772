#include "daemon/event/timestamp.hpp"
#include "daemon/session/session.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd {

std::shared_ptr<const submission> session::submit(const std::string& command,
                                                  const nlohmann::ordered_json& values,
                                                  std::function<void(const submission&)> on_change,
                                                  command_origin from) {
  looks_after_outbox_ = true;
  if (running_) look_after_outbox();
  if (from.comes_again)
    on_change = counted_when_taken(std::move(on_change));
  else
    ++context_.counters->submitted;
  return outbox_.submit(command, values, followed_by(std::move(on_change)), std::move(from));
}

// One that is given back is submitted again.
std::function<void(const submission&)> session::counted_when_taken(
    std::function<void(const submission&)> on_change) {
  return [this, on_change = std::move(on_change), is_counted = false](const submission& what) mutable {
    const bool is_taken = !what.is_given_back && what.state != command_state::received;
    if (is_taken && !std::exchange(is_counted, true)) ++context_.counters->submitted;
    if (on_change) on_change(what);
  };
}

std::shared_ptr<const submission> session::restore(const kept_command& what,
                                                   std::function<void(const submission&)> on_change) {
  looks_after_outbox_ = true;
  if (running_) look_after_outbox();
  return outbox_.restore(what, followed_by(std::move(on_change)));
}

std::function<void(const submission&)> session::followed_by(
    std::function<void(const submission&)> on_change) {
  return [this, on_change = std::move(on_change)](const submission& what) {
    if (what.is_given_back) {
      if (draining_) command_ended_.notify();
      if (on_change) on_change(what);
      return;
    }
    const auto settings = settings_->commands.find(what.command);
    const bool is_quiet = what.state == command_state::refused && settings != settings_->commands.end() &&
                          settings->second.offline == config::offline_policy::drop;
    if (what.has_ended && !is_quiet)
      context_.telemetry.record(settings_->name,
                                happening::command_ended{what.command, name_of(what.state), what.why});
    const bool succeeded = what.state == command_state::written || what.state == command_state::confirmed;
    if (what.has_ended && !succeeded) ++context_.counters->unsuccessful;
    if (what.has_ended && !what.id.empty()) tell_end(what);
    if (what.has_ended && draining_) command_ended_.notify();
    if (on_change) on_change(what);
  };
}

// It is woken in another turn than that in which a command ends: there the outbox is in the middle of
// something.
asio::awaitable<int> session::watch_drain() {
  bool go_on = true;
  while (go_on && draining_) {
    pause_if_drained();
    go_on = co_await command_ended_.wait();
  }
  co_return 0;
}

void session::tell_again(const kept_command& what) {
  tell_end(submission_of(what), true);
}

void session::tell_end(const submission& what, bool is_repeated) {
  nlohmann::ordered_json fields{{"id", what.id}, {"command", what.command}, {"state", name_of(what.state)}};
  if (!what.why.empty()) fields["why"] = what.why;
  if (!what.reply.empty()) fields["reply"] = what.reply;
  if (!what.data.empty()) fields["data"] = protocol::json_tree(what.data);
  if (is_repeated) fields["repeated"] = true;
  const std::string time = timestamp(context_.time.wall());
  const std::string_view line = line_.note(time, "command", fields);
  outputs_.emit({.what = session_event::kind::note,
                 .session = settings_->name,
                 .time = time,
                 .name = "command",
                 .line = line});
}

asio::awaitable<int> session::keep_outbox() {
  co_await outbox_.run();
  co_return 0;
}

// A session to which nothing is submitted while it runs needs none of it.
void session::look_after_outbox() {
  if (!std::exchange(keeps_outbox_, true)) tasks_.spawn(0, keep_outbox());
}

}  // namespace duplexd
