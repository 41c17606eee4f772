#include "tests/daemon/storm/promises.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "daemon/event/timestamp.hpp"

namespace duplexd::test {

using namespace std::chrono_literals;

namespace {

/// What may follow a state.
std::vector<command_state> successors(command_state state) {
  using enum command_state;
  switch (state) {
    case received:
      return {queued, refused};
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

bool was_never_sent(command_state state) {
  using enum command_state;
  return state == expired || state == replaced || state == refused;
}

// As the configuration says.
clock::duration ttl_of(promises::kind what) {
  return what == promises::kind::order ? 40s : what == promises::kind::quote ? 5s : 30s;
}
constexpr auto confirm_limit = 8s;
constexpr auto hello_interval = 3s;
constexpr auto login_limit = 5s;
constexpr auto close_limit = 2s;
constexpr auto ping_interval = 5s;
constexpr auto idle_limit = 15s;

std::string number_bytes(std::uint32_t number) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

}  // namespace

std::string bytes_of(promises::kind what, std::uint32_t id, std::uint32_t symbol) {
  std::string bytes(1, static_cast<char>(2 + static_cast<int>(what)));
  bytes += number_bytes(id);
  if (what == promises::kind::quote) bytes += static_cast<char>(symbol);
  return bytes;
}

std::uint32_t number_at(const message& what, std::size_t offset) {
  std::uint32_t number = 0;
  std::memcpy(&number, what.bytes.data() + offset, sizeof number);
  return number;
}

void promises::require(bool kept, const std::string& promise) {
  if (!kept)
    broken_.push_back(fmt::format("{} (at {} s)", promise,
                                  std::chrono::duration<double>(time_.now().time_since_epoch()).count()));
}

std::size_t promises::waiting() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates_, [](const auto& each) { return each.second.waits; }));
}

// Commands may leave: the login is over, and the client does not know yet that the link is.
bool promises::is_open() const {
  return link_ && link_->granted && !link_->wire->noticed_end;
}

bool promises::is_alive(unsigned number) const {
  if (!link_ || link_->number != number) return false;
  const stormy_wire& wire = *link_->wire;
  return !wire.noticed_end && !wire.closing && time_.now() < wire.last_heard + idle_limit;
}

void promises::submits(std::uint32_t id, kind what, std::uint32_t symbol) {
  last_submitted_ = id;
  fates_[id] = {.what = what, .symbol = symbol, .submitted = time_.now(), .slot = id};
}

void promises::changed(std::uint32_t id, const submission& now) {
  fate& mine = fates_[id];
  const std::string who =
      fmt::format("command {} goes from {} to {}", id, name_of(mine.state), name_of(now.state));
  require(mine.ends == 0, who + " after its end");
  const auto allowed = successors(mine.state);
  require(std::ranges::find(allowed, now.state) != allowed.end(), who);
  const bool is_end =
      successors(now.state).empty() || (now.state == command_state::written && mine.what != kind::order);
  require(now.has_ended == is_end, who + ", and says wrongly whether that is its end");
  check_end(mine, now, who);
  mine.waits = now.state == command_state::queued && mine.times_put == 0;
  mine.state = now.state;
  if (now.state == command_state::written) mine.written = time_.now();
  if (now.has_ended) ++mine.ends;
}

void promises::check_end(const fate& mine, const submission& now, const std::string& who) {
  require(!was_never_sent(now.state) || mine.times_put == 0, who + ", but it was sent");
  const auto at = time_.now();
  switch (now.state) {
    case command_state::received:
      require(false, who + ", but it is not durable");
      break;
    case command_state::queued:
      require(mine.what != kind::note || is_open(), who + " without a link");
      require(mine.submitted == at, who + " later");
      break;
    case command_state::written:
      require(mine.taken, who + ", but the kernel has not taken it");
      break;
    case command_state::confirmed:
      require(mine.answered == at, who + ", but not by a reply");
      require(at <= mine.written + confirm_limit, who + " late");
      break;
    case command_state::timed_out:
      require(at == mine.written + confirm_limit, who + " at another time");
      require(!mine.answered || mine.answered == at, who + ", but it was confirmed");
      break;
    case command_state::unknown:
      require(mine.times_put == 1, who + ", but it was not sent");
      require(!is_alive(mine.link), who + " on a link that lives");
      require(!mine.answered, who + ", but it was confirmed");
      break;
    case command_state::expired:
      require(at == mine.submitted + ttl_of(mine.what), who + " at another time");
      break;
    case command_state::replaced: {
      fate& newer = fates_[last_submitted_];
      require(newer.what == kind::quote && mine.what == kind::quote && newer.symbol == mine.symbol &&
                  newer.submitted == at,
              who + " by something else");
      newer.slot = mine.slot;
      break;
    }
    case command_state::refused:
      require(
          stopping_ || (mine.submitted == at && (mine.what == kind::note ? !is_open() : waiting() == bound_)),
          who + " without need");
      break;
  }
}

void promises::opened(const stormy_wire& wire) {
  link_ = link{.wire = &wire, .number = ++links_, .opened = time_.now()};
}

void promises::put(const message& what) {
  if (!link_) return require(false, "a message on no link");
  if (what.kind == protocol::frame_kind::text) {
    require(!link_->logged_in && link_->opened == time_.now(), "the login comes first, at once, and once");
    require(what.bytes == R"({"user": "storm"})", "the login is as configured");
    link_->logged_in = true;
    return;
  }
  require(link_->granted.has_value(), "everything waits until the login was accepted");
  if (what.bytes == "\x01") {
    require(link_->granted && time_.now() == *link_->granted + ++link_->hellos * hello_interval,
            "the script keeps to its schedule");
    return;
  }
  const std::uint32_t id = what.bytes.size() >= 5 ? number_at(what, 1) : 0;
  const auto found = fates_.find(id);
  if (found == fates_.end()) return require(false, "only what was submitted is sent");
  put_command(what, found->second, "command " + std::to_string(id));
}

void promises::put_command(const message& what, fate& mine, const std::string& who) {
  require(++mine.times_put == 1, who + " is not sent twice");
  require(what.bytes == bytes_of(mine.what, number_at(what, 1), mine.symbol),
          who + " is sent as it was submitted");
  require(mine.slot > last_slot_put_, who + " keeps its place in the queue");
  require(mine.ends == 0 && time_.now() < mine.submitted + ttl_of(mine.what), who + " is not stale");
  require(mine.what != kind::note || mine.submitted == time_.now(), who + " does not wait");
  last_slot_put_ = mine.slot;
  mine.waits = false;
  mine.link = link_->number;
}

void promises::put_ping() {
  require(link_ && time_.now() == link_->opened + ++link_->pings * ping_interval,
          "pings keep to their schedule");
}

void promises::taken(const message& what) {
  if (what.bytes.size() < 5 || what.kind == protocol::frame_kind::text) return;
  if (const auto found = fates_.find(number_at(what, 1)); found != fates_.end()) found->second.taken = true;
}

void promises::expect_event(const std::string& rest) {
  events_.push_back(
      fmt::format(R"({{"v":1,"time":"{}","session":"storm","event":{})", timestamp(time_.wall()), rest));
}

void promises::heard(const message& what) {
  if (what.bytes.size() == 1) {
    expect_event(fmt::format(R"("reply","reply":"welcome","data":{{"opcode":100}}}}{})", '\n'));
    const bool in_time = link_ && link_->logged_in && !link_->wire->closing;
    if (in_time && !link_->granted) link_->granted = time_.now();
  } else if (what.bytes.size() == 5) {
    const auto id = number_at(what, 1);
    expect_event(fmt::format(R"("reply","reply":"done","data":{{"opcode":101,"id":{}}}}}{})", id, '\n'));
    const auto found = fates_.find(id);
    if (found == fates_.end() || !link_ || found->second.link != link_->number) return;
    if (found->second.what == kind::order && !found->second.answered) found->second.answered = time_.now();
  } else if (what.bytes.size() == 9) {
    const auto number = number_at(what, 1);
    expect_event(fmt::format(R"("reply","reply":"news","data":{{"opcode":102,"n":{},"rest":{}}}}}{})", number,
                             number_at(what, 5), '\n'));
    if (!link_) return;
    const bool over_links = next_news_ && next_news_->link != link_->number;
    if (next_news_ && (over_links ? number > next_news_->number : number != next_news_->number)) {
      ++gaps_;
      expect_event(fmt::format(R"("gap","reply":"news","field":"n","key":[],"expected":{},"found":{}{}}}{})",
                               next_news_->number, number, over_links ? R"(,"over_connections":true)" : "",
                               '\n'));
    }
    next_news_ = {number + 1, link_->number};
  } else {
    expect_event(R"("raw","frame":"binary",)");
  }
}

void promises::told(const event& what) {
  const auto at = time_.now();
  if (std::holds_alternative<happening::attempting>(what)) {
    require(!next_attempt_ || *next_attempt_ == at, "the next attempt comes when it was said to");
    next_attempt_.reset();
  } else if (const auto* failed = std::get_if<happening::attempt_failed>(&what)) {
    require(failed->next.has_value(), "no fault ends the session");
    if (failed->next) next_attempt_ = at + *failed->next;
    check_fault(failed->what);
    link_.reset();
  } else if (std::holds_alternative<happening::login_accepted>(what)) {
    require(link_ && link_->granted == at, "the login is accepted when the server says so");
  } else if (std::holds_alternative<happening::quit>(what)) {
    link_.reset();
  }
}

void promises::check_fault(const fault& what) {
  const auto at = time_.now();
  if (!link_) {
    require(planned_ && planned_->kind == what.kind && planned_->http_status == what.http_status,
            "a failed dial is told as it was");
    return;
  }
  const auto& over = link_->wire->over;
  if (what.kind == config::fault_class::liveness) {
    require(at == link_->wire->last_heard + idle_limit, "a link is given up after its silence, not before");
  } else if (what.kind == config::fault_class::script) {
    const bool in_time = at >= link_->opened + login_limit && at <= link_->opened + login_limit + close_limit;
    require(!link_->granted && in_time, "a login has its time, not less and not more");
  } else if (over && over->failed) {
    require(what.kind == over->failed->kind && what.cause == over->failed->cause,
            "a fault is told as it was");
  } else {
    require(over && over->closed && what.close_code == over->closed->code, "a close is told as it was");
  }
}

void promises::check_rest(const std::vector<std::string>& events) {
  const std::size_t count = waiting();
  require(count <= bound_, fmt::format("the outbox keeps its bound: {} wait", count));
  if (is_open() && !link_->wire->closing) {
    require(count == 0, fmt::format("nothing waits on an open link: {} do", count));
    require(link_->hellos == (time_.now() - *link_->granted) / hello_interval,
            "no round of the script is left out");
    require(link_->pings == (time_.now() - link_->opened) / ping_interval, "no ping is left out");
    require(time_.now() < link_->wire->last_heard + idle_limit, "a silent link is given up");
    for (const auto& [id, mine] : fates_)
      if (mine.taken && mine.link == link_->number && link_->wire->to_kernel.empty())
        require(mine.state != command_state::queued, fmt::format("command {} is told to be written", id));
  }
  require(events.size() == events_.size(),
          fmt::format("every message is an event: {} are, not {}", events.size(), events_.size()));
  for (; events_seen_ < std::min(events.size(), events_.size()); ++events_seen_)
    require(events[events_seen_].starts_with(events_[events_seen_]),
            "the event " + events[events_seen_] + " is not " + events_[events_seen_]);
}

void promises::check_ends() {
  for (const auto& [id, mine] : fates_) {
    const std::string who = fmt::format("command {}, {}: ", id, name_of(mine.state));
    require(mine.ends == 1, fmt::format("{}has {} ends", who, mine.ends));
    require(was_never_sent(mine.state) == (mine.times_put == 0), who + "was sent, or was not");
  }
}

std::size_t promises::ended_as(command_state state) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates_, [&](const auto& each) { return each.second.state == state; }));
}

}  // namespace duplexd::test
