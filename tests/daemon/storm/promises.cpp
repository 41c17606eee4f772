#include "tests/daemon/storm/promises.hpp"

#include <algorithm>

namespace duplexd::test {

namespace {

/// What may follow a state.
std::vector<command_state> successors(command_state state) {
  using enum command_state;
  switch (state) {
    case queued:
      return {queued, written, expired, replaced, refused, unknown};
    case written:
      return {confirmed, timed_out, unknown};
    case confirmed:
    case timed_out:
    case unknown:
    case expired:
    case replaced:
    case refused:
      return {};
  }
  return {};
}

bool was_sent(command_state state) {
  using enum command_state;
  return state == written || state == confirmed || state == timed_out;
}

bool was_never_sent(command_state state) {
  using enum command_state;
  return state == expired || state == replaced || state == refused;
}

}  // namespace

void promises::require(bool kept, const std::string& promise) {
  if (!kept) broken_.push_back(promise);
}

void promises::put(link& on, const message& what, std::uint32_t id) {
  const bool is_login = what.kind == protocol::frame_kind::text;
  require(is_login != on.logged_in, "the login comes first, and once");
  require(is_login || on.granted, "everything waits until the login was accepted");
  on.logged_in = on.logged_in || is_login;
  if (id != 0)
    require(++fates_[id].times_put == 1, "no submitted command is sent twice: " + std::to_string(id));
}

void promises::changed(std::uint32_t id, const submission& now, bool is_confirmed) {
  fate& mine = fates_[id];
  const std::string what =
      "command " + std::to_string(id) + " goes from " + name_of(mine.state) + " to " + name_of(now.state);
  require(mine.ends == 0, what + " after its end");
  const auto allowed = successors(mine.state);
  require(std::ranges::find(allowed, now.state) != allowed.end(), what);
  const bool is_end = successors(now.state).empty() || (now.state == command_state::written && !is_confirmed);
  require(now.has_ended == is_end, what + ", and says wrongly whether that is its end");
  mine.known = true;
  mine.state = now.state;
  if (now.has_ended) ++mine.ends;
}

void promises::check_bound() {
  const auto waiting = std::ranges::count_if(fates_, [](const auto& each) {
    return each.second.known && each.second.state == command_state::queued && each.second.times_put == 0;
  });
  require(static_cast<std::size_t>(waiting) <= bound_,
          "the outbox keeps its bound: " + std::to_string(waiting) + " wait");
}

void promises::check_ends() {
  for (const auto& [id, mine] : fates_) {
    const std::string who = "command " + std::to_string(id) + ", " + name_of(mine.state) + ": ";
    require(mine.ends == 1, who + "has " + std::to_string(mine.ends) + " ends");
    require(!was_sent(mine.state) || mine.times_put == 1, who + "was not sent");
    require(!was_never_sent(mine.state) || mine.times_put == 0, who + "was sent");
    require(mine.state != command_state::confirmed || mine.answered, who + "nobody confirmed it");
  }
}

std::size_t promises::ended_as(command_state state) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates_, [&](const auto& each) { return each.second.state == state; }));
}

}  // namespace duplexd::test
