// How the daemon ends: sessions close, outputs take their last events, all within one limit.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstdlib>
#include <utility>

#include "daemon/app/app.hpp"

namespace duplexd {

void app::stop(const std::string& why) {
  if (stopping_) return;
  stopping_ = true;
  telemetry_->record("", happening::stopping{why, settings_.shutdown_limit});
  systemd_.stopping();
  systemd_.status("stopping: " + why);
  begin_end();
  for (const std::string& name : names_) sessions_.at(name).runs->stop();
}

/// One limit for all that the end takes, from when it began.
void app::begin_end() {
  if (std::exchange(ending_, true)) return;
  for (const auto& each : inputs_) each->stop_receiving();
  end_by_ = time_.now() + settings_.shutdown_limit;
  tasks_.spawn(limit, await_limit());
}

asio::awaitable<app::task_result> app::await_limit() {
  co_await time_.sleep_until(end_by_);
  co_return task_result{};
}

// No destructor runs: the sessions still hold streams with operations pending.
void app::cut_short(const std::string& why) {
  kill_programs();
  tell_lost_events();
  telemetry_->record("", happening::cut_short{why, running_});
  std::_Exit(exit_interrupted);
}

// A writer, or a broker's client, may hang in a call that nobody can interrupt.
void app::leave_if_stuck(bool is_stuck) {
  if (!is_stuck && std::ranges::none_of(inputs_, &broker_input::at_work)) return;
  kill_programs();
  (void)telemetry_->flush();
  std::_Exit(judge());
}

void app::tell_lost_events() {
  const auto tell = [this](const std::string& name, const output& each, const char* slow) {
    if (each.waiting() == 0) return;
    events_lost_ = true;
    const std::string why = each.held_up();
    telemetry_->record("", happening::output_closed{name, (why.empty() ? slow : why) + "; events are lost"});
  };
  tell(std::string(config::standard_output_name), stdout_, "its reader is too slow");
  for (const auto& [name, each] : outputs_) tell(name, *each, "it is too slow");
}

asio::awaitable<app::task_result> app::flush_outputs() {
  if (commands_) co_await commands_->wait_idle();  // the last ends are events
  task_group<int> ends{loop_.get_executor()};
  ends.spawn(0, finish(stdout_));
  for (const auto& [name, each] : outputs_) ends.spawn(0, finish(*each));
  for (const auto& each : inputs_) ends.spawn(0, finish(*each));
  for (std::size_t left = outputs_.size() + inputs_.size() + 1; left > 0; --left) co_await ends.next();
  co_await ends.join();
  bool go_on = true;
  while (go_on && !telemetry_->flush()) go_on = co_await time_.sleep_for(log_pause);
  co_return task_result{};
}

asio::awaitable<int> app::finish(output& which) {
  co_await which.finish(end_by_);
  co_return 0;
}

asio::awaitable<int> app::finish(broker_input& which) {
  co_await which.finish(end_by_);
  co_return 0;
}

void app::kill_programs() noexcept {
  for (const auto& [name, each] : outputs_) each->kill();
}

exit_code app::judge() const {
  if (output_broken_) return exit_output_closed;
  for (const std::string& name : names_) {
    const auto& result = sessions_.at(name).result;
    if (result && result->fatal)
      return result->exit_code ? static_cast<exit_code>(*result->exit_code)
             : result->fatal->kind == config::fault_class::login_rejected ? exit_login_rejected
                                                                          : exit_fatal_fault;
  }
  if (journal_broken_) return exit_internal;
  return events_lost_ ? exit_interrupted : exit_success;
}

}  // namespace duplexd
