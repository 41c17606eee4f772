#include "daemon/session/exchange/event_routes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/script/match.hpp"
#include "daemon/session/exchange/record_form.hpp"

namespace duplexd {

namespace {

bool selects(const config::output_route* rule, std::string_view reply) noexcept {
  return rule == nullptr || rule->replies.empty() ||
         std::ranges::find(rule->replies, reply) != rule->replies.end();
}

bool fits(const config::output_route& rule, const reply_values& values) {
  if (!rule.where.is_object()) return true;
  return values.event().what == session_event::kind::reply && config::matches(values.get(), rule.where);
}

}  // namespace

bool event_routes::wants(std::string_view reply) const noexcept {
  return std::ranges::any_of(routes_, [&](const event_route& each) { return selects(each.rule, reply); });
}

void event_routes::emit(const session_event& happened) {
  const bool is_note = happened.what == session_event::kind::note;
  const reply_values values{happened};
  for (const event_route& each : routes_) {
    if (each.rule == nullptr) {
      each.to->append(happened, happened.line);
    } else if (selects(each.rule, is_note ? "" : happened.name) && fits(*each.rule, values)) {
      const std::string_view record = record_of(values, each.rule->record, room_);
      if (!record.empty()) each.to->append(happened, record);
    }
  }
}

bool event_routes::has_room() const noexcept {
  return std::ranges::all_of(routes_, [](const event_route& each) { return each.to->has_room(); });
}

asio::awaitable<void> event_routes::wait_room() {
  // Routes may come and go meanwhile.
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    output& to = *routes_[i].to;
    co_await to.wait_room();
  }
}

}  // namespace duplexd
