#include "daemon/simulate/replay_script.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace duplexd::net {

namespace {

using std::chrono::steady_clock;

std::string joined(const std::set<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

steady_clock::duration scaled(std::chrono::system_clock::duration gap, double speed) {
  if (speed <= 0 || gap.count() < 0) return steady_clock::duration::zero();
  const std::chrono::duration<double> seconds = std::chrono::duration<double>(gap) / speed;
  return std::chrono::duration_cast<steady_clock::duration>(seconds);
}

// What the client heard after its own close frame was on its way before: it is said with what came before the
// close frame, for nothing can follow it here.
void move_close_back(std::vector<capture_entry>& link) {
  const auto closes = [](const capture_entry& each) { return each.event == capture_event::close; };
  const auto close = std::find_if(link.begin(), link.end(), closes);
  if (close == link.end() || close->way != capture_way::out || close == link.begin()) return;
  const auto after = std::find_if(
      close + 1, link.end(), [](const capture_entry& each) { return each.event != capture_event::message; });
  for (auto each = close + 1; each != after; ++each) each->time = std::prev(close)->time;
  std::rotate(close, close + 1, after);
}

// A close frame that told the server what it had done wrong: that is in no capture, and will not be done
// again.
void drop_refusal(std::vector<capture_entry>& link) {
  const auto closes = [](const capture_entry& each) { return each.event == capture_event::close; };
  const auto close = std::find_if(link.begin(), link.end(), closes);
  if (close != link.end() && close->way == capture_way::out && link.back().fault == "protocol_error")
    link.erase(close);
}

// What came within a few milliseconds was said at once.
void gather_bursts(std::vector<capture_entry>& link) {
  const auto heard = [](const capture_entry& each) {
    return each.event == capture_event::message && each.way == capture_way::in;
  };
  for (std::size_t i = 1; i < link.size(); ++i) {
    const capture_entry& before = link[i - 1];  // its time is that of the burst's first
    if (heard(link[i]) && heard(before) && link[i].time - before.time < replay_script::burst)
      link[i].time = before.time;
  }
}

}  // namespace

std::optional<std::vector<capture_entry>> first_link(const std::vector<capture_entry>& capture,
                                                     const std::string& session, std::string& why) {
  std::set<std::string> sessions;
  for (const auto& entry : capture) sessions.insert(entry.session);
  const bool unclear = session.empty() && sessions.size() > 1;
  if (unclear || (!session.empty() && !sessions.contains(session))) {
    why = (unclear ? "choose a session with --session; available: " : "no such session in it; available: ") +
          joined(sessions);
    return std::nullopt;
  }
  std::vector<capture_entry> link;
  for (const auto& entry : capture) {
    if (!session.empty() && entry.session != session) continue;
    if (entry.event == capture_event::opened && !link.empty()) break;
    if (entry.event != capture_event::opened && link.empty()) continue;  // the end of an earlier link
    link.push_back(entry);
    if (entry.event == capture_event::ended) break;
  }
  if (link.empty()) {
    why = "there is no link in it";
    return std::nullopt;
  }
  return link;
}

replay_script::replay_script(std::vector<capture_entry> link, double speed, time_point now)
    : link_(std::move(link)), speed_(speed), recorded_(link_.front().time), happened_(now) {
  drop_refusal(link_);
  move_close_back(link_);
  gather_bursts(link_);
}

bool replay_script::expects_client(const capture_entry& entry) const noexcept {
  const bool out = entry.way == capture_way::out;
  if (entry.event == capture_event::message) return out;
  if (entry.event == capture_event::close) return out && !closing_;
  // The client went without a word: it found the server silent.
  return entry.event == capture_event::ended && entry.fault.empty() && !closing_;
}

replay_step replay_script::next(time_point now) {
  using action = replay_step::action;
  while (at_ < link_.size()) {
    const capture_entry& entry = link_[at_];
    if (expects_client(entry)) {
      const replay_step step = wait_for_client(entry, now);
      if (step.kind == action::wait) return step;
      continue;
    }
    const time_point due = happened_ + scaled(entry.time - recorded_, speed_);
    const bool answers_close = entry.event == capture_event::close && closing_;  // the link does so by itself
    const bool says = entry.event == capture_event::message;
    const bool closes = entry.event == capture_event::close && !closing_;
    const bool drops = entry.event == capture_event::ended && !closing_;
    if (!says && !closes && !drops) {
      if (!answers_close) recorded_ = std::max(recorded_, entry.time);
      ++at_;
      continue;
    }
    if (now < due) return {.kind = action::wait, .until = due};
    step_over(entry, due);
    if (closes) closing_ = true;
    if (says && !entry.bytes) continue;  // its bytes were secret: nobody knows them
    return {.kind = says ? action::say : closes ? action::close : action::drop, .what = &entry};
  }
  return {};
}

replay_step replay_script::wait_for_client(const capture_entry& entry, time_point now) {
  const bool message_expected = entry.event == capture_event::message;
  if (message_expected && !said_.empty()) {
    message found = std::move(said_.front());
    said_.pop_front();
    compare(entry, std::move(found));
    step_over(entry, now);
    return {};
  }
  const time_point limit =
      happened_ + std::max(entry.time - recorded_, std::chrono::system_clock::duration::zero()) + patience;
  if (now < limit) return {.kind = replay_step::action::wait, .until = limit};
  give_up("nothing within " + std::to_string(patience.count()) + " s of its time");
  return {};
}

void replay_script::step_over(const capture_entry& entry, time_point now) {
  recorded_ = entry.time;
  happened_ = now;
  ++at_;
}

void replay_script::compare(const capture_entry& entry, message found) {
  ++number_;
  if (entry.redacted || (entry.kind == found.kind && entry.bytes == found.bytes)) {
    ++equal_;
    return;
  }
  differences_.push_back(
      {.number = number_, .expected = &entry, .kind = found.kind, .found = std::move(found.bytes)});
}

void replay_script::client_said(protocol::frame_view what) {
  said_.push_back({what.kind, std::string(what.bytes.begin(), what.bytes.end())});
}

/// What was still expected will not come.
void replay_script::give_up(const std::string& found) {
  for (; at_ < link_.size(); ++at_) {
    const capture_entry& entry = link_[at_];
    if (!expects_client(entry)) continue;
    const bool is_message = entry.event == capture_event::message;
    if (is_message) ++number_;
    differences_.push_back({.number = is_message ? number_ : 0, .expected = &entry, .found = found});
    if (!is_message) closing_ = true;
  }
}

void replay_script::client_left(const std::optional<close_reason>& closed) {
  // Its last messages may have come together with its close.
  for (std::size_t i = at_; i < link_.size() && !said_.empty(); ++i) {
    if (link_[i].event != capture_event::message || link_[i].way != capture_way::out) continue;
    message found = std::move(said_.front());
    said_.pop_front();
    compare(link_[i], std::move(found));
    at_ = i + 1;
  }
  for (message& extra : said_)
    differences_.push_back({.number = ++number_, .kind = extra.kind, .found = std::move(extra.bytes)});
  said_.clear();
  const std::string how =
      closed ? "close " + std::to_string(closed->code) + (closed->text.empty() ? "" : " " + closed->text)
             : "the connection was lost";
  // What the server had not said yet was missed, too, unless the capture ends there.
  const auto left = std::find_if(link_.begin() + static_cast<std::ptrdiff_t>(at_), link_.end(),
                                 [this](const auto& entry) { return expects_client(entry); });
  if (left == link_.end()) {
    const bool early = std::any_of(link_.begin() + static_cast<std::ptrdiff_t>(at_), link_.end(),
                                   [](const auto& entry) { return entry.event == capture_event::message; });
    if (early) differences_.push_back({.found = how + ", before everything was said"});
    at_ = link_.size();
    return;
  }
  const bool expected = left->event == capture_event::close && closed && closed->code == left->reason.code &&
                        closed->text == left->reason.text;
  const bool vanished = left->event == capture_event::ended;
  if (expected || vanished) {
    at_ = link_.size();
    return;
  }
  give_up(how);
}

}  // namespace duplexd::net
