// The configuration while the daemon runs: read beside the loop, compared, and taken as a whole or not at
// all.
#include <algorithm>
#include <utility>

#include "daemon/app/app.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

namespace {

// How often is asked whether another reload has come to its end.
constexpr std::chrono::milliseconds reload_pause{50};

reload_report refuse(std::string why) {
  reload_report report;
  report.error = std::move(why);
  return report;
}

}  // namespace

config::reload_state app::running_state() const {
  config::reload_state state{settings_.process, {}};
  for (const auto& [name, each] : sessions_) {
    state.sessions.emplace(name, each.runs->settings().digest);
    if (each.result) state.ended.insert(name);
  }
  return state;
}

asio::awaitable<reload_report> app::try_reload(bool dry_run) {
  if (!source_) co_return refuse("the configuration did not come from a file");
  if (once_) co_return refuse("with --once there are no reloads");
  if (reloading_ || loader_.busy()) co_return refuse("another reload is on its way");
  reloading_ = true;
  reload_report report = co_await read_and_apply(dry_run);
  reloading_ = false;
  co_return report;
}

// A session that was removed and comes back takes its durable commands over from the one before, which must
// have let go of them.
bool app::waits_for_end(const config::settings& next) const {
  return std::ranges::any_of(next.sessions, [&](const config::session_settings& each) {
    return !sessions_.contains(each.name) && closing_.contains(each.name);
  });
}

asio::awaitable<reload_report> app::read_and_apply(bool dry_run) {
  loaded_configuration next;
  std::function<void()> read = [&] { next = source_(); };
  co_await loader_.run(std::move(read));
  if (!next.settings) co_return refuse(std::move(next.mistakes));
  bool go_on = true;
  while (go_on && !dry_run && !stopping_ && waits_for_end(*next.settings)) go_on = co_await closed_.wait();
  if (!go_on || ending_ || stopping_) co_return refuse("duplexd is stopping");
  reload_report report;
  report.plan = config::plan_reload(running_state(), config::state_of(*next.settings));
  if (!report.plan.is_possible()) {
    std::string fields;
    for (const std::string& each : report.plan.refused) fields += (fields.empty() ? "" : ", ") + each;
    report.error = "what has changed needs a restart: " + fields;
  } else if (!dry_run) {
    apply(std::move(*next.settings), report.plan);
  }
  co_return report;
}

asio::awaitable<reload_report> app::reload(bool dry_run) {
  if (!dry_run) systemd_.reloading();
  reload_report report = co_await try_reload(dry_run);
  if (!dry_run && !ending_) systemd_.ready();
  if (!dry_run && !report.error.empty()) telemetry_->record("", happening::reload_refused{report.error});
  co_return report;
}

// Another reload may have read the file before it was changed.
asio::awaitable<bool> app::wait_for_reloads() {
  bool go_on = true;
  while (go_on && (reloading_ || loader_.busy())) go_on = co_await time_.sleep_for(reload_pause);
  co_return go_on;
}

asio::awaitable<app::task_result> app::reload_on_signal() {
  const bool go_on = co_await wait_for_reloads();
  reload_waits_ = false;
  if (go_on) co_await reload(false);
  co_return task_result{};
}

asio::awaitable<app::task_result> app::reload_on_change() {
  bool go_on = co_await watch_->changed(time_);
  while (go_on) {
    go_on = co_await wait_for_reloads();
    if (go_on) co_await reload(false);
    go_on = co_await watch_->changed(time_);
  }
  if (!watch_->failed().empty())
    telemetry_->record("", happening::reload_refused{"no longer watched: " + watch_->failed()});
  co_return task_result{};
}

void app::apply(config::settings next, const config::reload_plan& plan) {
  for (const std::string& name : plan.removed) {
    supervised& gone = sessions_.at(name);
    gone.runs->stop();
    if (!gone.result) closing_.insert(name);
    sessions_.erase(name);
    telemetry_->levels().set(name, std::nullopt);
  }
  names_.clear();
  for (config::session_settings& loaded : next.sessions) {
    names_.push_back(loaded.name);
    const auto known = sessions_.find(loaded.name);
    const bool is_new = known == sessions_.end();
    const bool has_changed = is_new || known->second.runs->settings().digest != loaded.digest;
    if (!has_changed) continue;
    const bool goes_on = !is_new && !known->second.result;
    const config::session_settings* now = goes_on ? &known->second.runs->settings() : nullptr;
    const bool in_place = now != nullptr && config::stays_connected(now->digest, loaded.digest);
    if (in_place && !config::has_other_replies(now->digest, loaded.digest))
      loaded.protocol = now->protocol;  // by which it unpacks already
    const auto settings = std::make_shared<const config::session_settings>(std::move(loaded));
    if (in_place) {
      known->second.runs->adopt(settings, routes_of(*settings));
      continue;
    }
    if (goes_on) {
      known->second.runs->replace(settings, routes_of(*settings));
      continue;
    }
    add_session(settings);  // in the place of one that has ended, if there is one
    door_.restore(*sessions_.at(settings->name).runs);
    tasks_.spawn(serving, run_session(sessions_.at(settings->name).runs));
    ++running_;
  }
  settings_.process = std::move(next.process);
  settings_.shutdown_limit = next.shutdown_limit;
  telemetry_->levels().reload(settings_.log, next.log);
  settings_.log = std::move(next.log);
  if (health_) health_->update(all_sessions());
  if (control_) control_->update(all_sessions());
  telemetry_->record("", happening::reloaded{plan.added.size(), plan.removed.size(), plan.reconnect.size(),
                                             plan.in_place.size(), plan.unchanged});
}

}  // namespace duplexd
