// What a session takes while its connection stays.
#include <algorithm>
#include <utility>

#include "daemon/session/session.hpp"

namespace duplexd {

void session::take_outputs(std::vector<event_route> outputs) {
  context_.outputs = std::move(outputs);
  for (output* each : attached_) context_.outputs.push_back({each, nullptr});
}

// Links hold on to the watch.
void session::begin_sequences() {
  sequences_ = sequence_watch(settings_->liveness.sequence, settings_->limits.sequences);
  if (context_.safe == nullptr) return;
  auto keep = [this](const std::string& name, std::string value) {
    if (value.empty())
      context_.safe->forget(settings_->name, name);
    else
      context_.safe->keep(settings_->name, name, std::move(value));
  };
  if (!sequences_.make_durable(context_.safe->kept(settings_->name), std::move(keep)))
    context_.telemetry.record(
        settings_->name,
        happening::limit_reached{"limits.sequences",
                                 "not all that durable rules of liveness.sequence have counted is watched"});
}

void session::adopt(std::shared_ptr<const config::session_settings> settings,
                    std::vector<event_route> outputs) {
  if (replacement_) {
    replacement_ = {std::move(settings), std::move(outputs)};
    return;
  }
  const auto changed = settings_->digest.differences(settings->digest);
  settings_ = std::move(settings);
  take_outputs(std::move(outputs));
  values_.limit(settings_->limits.variables);
  values_.limit_durable(settings_->limits.durable_variables);
  if (std::ranges::find(changed, "liveness.sequence") != changed.end())
    begin_sequences();
  else
    sequences_.limit(settings_->limits.sequences);
  lag_.adopt(settings_->lag);
  if (std::ranges::any_of(changed, [](const auto& each) { return each.starts_with("liveness.lag"); }))
    lag_.begin_link();
  if (serving_ != nullptr) serving_->adopt(settings_);
}

}  // namespace duplexd
