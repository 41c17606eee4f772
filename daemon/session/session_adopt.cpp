// What a session takes while its connection stays.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/session/session.hpp"
#include "protocol/message/message_type.hpp"

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

namespace {

/// The counts in the order of the next protocol, by name.
std::vector<std::uint64_t> carried_over(const std::vector<std::uint64_t>& counts,
                                        const protocol::protocol& from, const protocol::protocol& to) {
  if (counts.empty()) return {};  // nothing was counted yet
  const auto& known = from.types(protocol::direction::reply);
  std::vector<std::uint64_t> made;
  for (const auto& type : to.types(protocol::direction::reply)) {
    const auto* const before = from.find(protocol::direction::reply, protocol::name_of(type));
    const auto place = before == nullptr ? counts.size() : static_cast<std::size_t>(before - known.data());
    made.push_back(place < counts.size() ? counts[place] : 0);
  }
  return made;
}

}  // namespace

// A message of which some packets have been handled belongs to one configuration as a whole: what comes of
// them may depend on what others do.
void session::adopt(std::shared_ptr<const config::session_settings> settings,
                    std::vector<event_route> outputs) {
  if (replacement_) {
    replacement_ = {std::move(settings), std::move(outputs)};
    return;
  }
  deferred_.reset();
  const bool waits =
      serving_ != nullptr && settings->protocol != settings_->protocol && serving_->in_message();
  if (!waits) return take_in_place(std::move(settings), std::move(outputs));
  deferred_ = {std::move(settings), std::move(outputs)};
  serving_->at_message_end([this] { take_deferred(); });
}

void session::take_deferred() {
  if (!deferred_) return;
  replacement next = std::move(*deferred_);
  deferred_.reset();
  take_in_place(std::move(next.settings), std::move(next.outputs));
}

void session::take_in_place(std::shared_ptr<const config::session_settings> settings,
                            std::vector<event_route> outputs) {
  const auto changed = settings_->digest.differences(settings->digest);
  auto& counts = context_.counters->replies;
  if (settings->protocol != settings_->protocol)
    counts = carried_over(counts, *settings_->protocol, *settings->protocol);
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
