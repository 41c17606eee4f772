#include "daemon/session/exchange/reply_inbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <ranges>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

// Equal values have equal texts. Numbers are equal by value, whatever their type.
void append_value(std::string& out, const ordered_json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (number > -exact && number < exact && number == static_cast<double>(static_cast<std::int64_t>(number)))
      out += fmt::format("{}", static_cast<std::int64_t>(number));
    else
      out += fmt::format("{}", number);
  } else {
    out += value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  out += '\n';
}

// Conditions that ask for one plain value. Integers beyond 2^53 equal some doubles that are not written so:
// these are compared one by one.
bool is_plain(const ordered_json& wanted) {
  if (wanted.is_structured()) return false;
  if (!wanted.is_number()) return true;
  return std::abs(wanted.get<double>()) < 9007199254740992.0;
}

}  // namespace

bool wanted_reply::fits(const std::string& name, const ordered_json& data) const {
  if (std::ranges::find(names, name) == names.end()) return false;
  const bool correlated = std::ranges::all_of(equal, [&](const auto& each) {
    const ordered_json* found = config::find_path(data, each.first);
    return found != nullptr && *found == each.second;
  });
  return correlated && config::matches(data, where);
}

reply_mark::reply_mark(const reply_mark& other)
    : list_base_hook(other), inbox_(other.inbox_), since_(other.since_) {
  if (inbox_ == nullptr) return;
  if (!other.is_linked()) since_ = inbox_->next_number();
  inbox_->marks_.push_back(*this);
}

void reply_mark::count_from_here(reply_inbox& inbox) {
  inbox_ = &inbox;
  since_ = inbox.next_number();
  if (!is_linked()) inbox.marks_.push_back(*this);
}

struct reply_inbox::waiter {
  waiter(const asio::any_io_executor& loop, const wanted_reply& wanted) : what(wanted), woken(loop) {}

  const wanted_reply& what;
  std::uint64_t turn = 0;  ///< who came first is served first
  bool compares = false;   ///< its conditions are more than equal values
  std::string needed{};    ///< a text that a reply must hold (quoted_text); empty: none is known
  kept_reply got{};
  notifier woken;
  std::vector<place> places{};
  std::list<waiter*>::iterator entry{};
};

reply_inbox::reply_inbox(const asio::any_io_executor& loop, clock& time,
                         std::shared_ptr<const protocol::protocol> types,
                         const std::set<std::string>& awaited, std::uint64_t limit)
    : loop_(loop), time_(time), types_(std::move(types)), patience_(time), limit_(limit) {
  await_also(awaited);
}

void reply_inbox::adopt(std::shared_ptr<const protocol::protocol> types) {
  const auto before = std::exchange(types_, std::move(types));
  slots_by_type_.clear();
  for (auto& [name, each] : slots_)
    if (const auto* type = types_->find(protocol::direction::reply, name)) slots_by_type_[type] = &each;
  for (const auto& [type, who] : std::exchange(others_, {}))
    if (const auto* next = types_->find(protocol::direction::reply, protocol::name_of(*type)))
      others_[next] = who;
}

/// Null: the protocol has no such reply.
reply_inbox::slot* reply_inbox::make_slot(const std::string& name) {
  const auto* type = types_->find(protocol::direction::reply, name);
  if (type == nullptr) return nullptr;
  return slots_by_type_[type] = &slots_[name];
}

void reply_inbox::await_also(const std::set<std::string>& names) {
  for (const std::string& name : names)
    if (slot* const at = make_slot(name)) at->awaited = true;
}

void reply_inbox::forget_observers() noexcept {
  for (auto& [name, each] : slots_) each.observers.clear();
}

void reply_inbox::observe(const std::string& name, const field_list& looked_at, observer who) {
  slot* const at = make_slot(name);
  if (at == nullptr) return;
  at->looked_at.add_all_of(looked_at);
  at->observers.push_back(std::move(who));
}

void reply_inbox::offer(const protocol::packet& packet, std::string_view json) {
  if (const auto other = others_.find(packet.type); other != others_.end()) {
    const field_list nothing;
    return hand_over(*other->second, offered_reply{next_++, packet, json, nothing, types_}.keep());
  }
  const auto found = slots_by_type_.find(packet.type);
  if (found == slots_by_type_.end()) return;
  slot& at = *found->second;
  offered_reply reply{next_++, packet, json, at.looked_at, types_};
  for (const observer& each : at.observers) each(reply);
  if (!at.awaited) return;
  if (waiter* first = find_waiter(at, reply)) {
    hand_over(*first, reply.keep());
  } else if (!marks_.empty()) {
    keep(reply.keep());
  }
}

void reply_inbox::hand_over(waiter& who, kept_reply reply) {
  leave(who);
  who.got = std::move(reply);
  who.woken.notify();
}

reply_inbox::waiter* reply_inbox::find_waiter(slot& at, offered_reply& reply) {
  waiter* first = nullptr;
  for (group& each : at.groups) {
    if (each.by_values.size() == 1) {  // then all need the same
      const std::string& needed = each.by_values.begin()->second.front()->needed;
      if (!needed.empty() && reply.lacks(needed)) continue;
    }
    std::string values;
    for (const std::string& path : each.paths) {
      const ordered_json* found = config::find_path(reply.fields(), path);
      if (found == nullptr) {
        values += '-';  // no value is written so
        continue;
      }
      append_value(values, *found);
    }
    const auto waiting = each.by_values.find(values);
    if (waiting == each.by_values.end()) continue;
    for (waiter* who : waiting->second) {
      if (first != nullptr && first->turn < who->turn) break;
      if (who->what.since > reply.number()) continue;
      if (who->compares && !who->what.fits(reply.name(), reply.fields())) continue;
      first = who;
      break;
    }
  }
  return first;
}

// Under each of its names, with those that look at the same fields.
void reply_inbox::enter(waiter& who) {
  who.turn = next_turn_++;
  who.entry = waiters_.insert(waiters_.end(), &who);
  std::map<std::string, std::string> plain;
  field_list looked_at;
  const auto add = [&](const std::string& path, const ordered_json& wanted) {
    looked_at.add(path);
    std::string text;
    if (is_plain(wanted)) append_value(text, wanted);
    if (who.needed.empty() && wanted.is_string()) {
      const auto& plain_text = wanted.get_ref<const std::string&>();
      if (is_plain_text(plain_text)) who.needed = quoted_text(plain_text);
    }
    if (text.empty() || plain.emplace(path, text).first->second != text) who.compares = true;
  };
  for (const auto& [path, wanted] : who.what.equal) add(path, wanted);
  if (who.what.where.is_object())
    for (const auto& [path, wanted] : who.what.where.items())
      if (path != "$or") add(path, wanted);
  looked_at.add_all_of(who.what.where);
  who.compares = who.compares || (who.what.where.is_object() && who.what.where.contains("$or"));
  std::vector<std::string> paths;
  std::string values;
  for (const auto& [path, text] : plain) {
    paths.push_back(path);
    values += text;
  }
  for (const std::string& name : who.what.others)
    if (const auto* type = types_->find(protocol::direction::reply, name)) others_[type] = &who;
  for (const std::string& name : who.what.names) {
    const auto found = slots_.find(name);
    if (found == slots_.end()) continue;
    slot& at = found->second;
    at.looked_at.add_all_of(looked_at);
    auto in = std::ranges::find(at.groups, paths, &group::paths);
    if (in == at.groups.end()) in = at.groups.insert(in, {paths, {}});
    auto& waiting = in->by_values[values];
    who.places.push_back({&at, in, values, waiting.insert(waiting.end(), &who)});
  }
}

void reply_inbox::leave(waiter& who) {
  if (who.entry == waiters_.end()) return;
  waiters_.erase(std::exchange(who.entry, waiters_.end()));
  std::erase_if(others_, [&](const auto& each) { return each.second == &who; });
  for (const place& each : std::exchange(who.places, {})) {
    const auto waiting = each.in->by_values.find(each.values);
    waiting->second.erase(each.entry);
    if (waiting->second.empty()) each.in->by_values.erase(waiting);
    if (each.in->by_values.empty()) each.at->groups.erase(each.in);
  }
}

// What no flow may ask for goes first, then the oldest.
void reply_inbox::keep(kept_reply reply) {
  kept_bytes_ += reply->size();
  kept_.push_back(std::move(reply));
  if (kept_bytes_ <= limit_) return;
  auto since = std::ranges::min(marks_ | std::views::transform(&reply_mark::since));
  const auto drop_first = [this] {
    kept_bytes_ -= kept_.front()->size();
    kept_.pop_front();
  };
  while (!kept_.empty() && kept_.front()->number() < since) drop_first();
  for (; kept_bytes_ > limit_ && kept_.size() > 1; drop_first())
    if (std::has_single_bit(++forgotten_) && complain_) complain_(forgotten_);
}

kept_reply reply_inbox::take_kept(const wanted_reply& what) {
  const auto fits = [&](const kept_reply& each) {
    if (each->number() < what.since || std::ranges::find(what.names, each->name()) == what.names.end())
      return false;
    if (what.equal.empty() && !what.where.is_object()) return true;
    const auto values = each->values();
    return values != nullptr && what.fits(each->name(), *values);
  };
  const auto found = std::ranges::find_if(kept_, fits);
  if (found == kept_.end()) return nullptr;
  kept_reply taken = std::move(*found);
  kept_bytes_ -= taken->size();
  kept_.erase(found);
  return taken;
}

// Who was cancelled after it had got a reply does not use it.
void reply_inbox::return_unused(kept_reply reply) {
  const auto values = reply->values();
  for (waiter* each : waiters_)
    if (values != nullptr && each->what.since <= reply->number() && each->what.fits(reply->name(), *values))
      return hand_over(*each, std::move(reply));
  const auto later =
      std::ranges::find_if(kept_, [&](const kept_reply& each) { return each->number() > reply->number(); });
  kept_bytes_ += reply->size();
  kept_.insert(later, std::move(reply));
}

asio::awaitable<kept_reply> reply_inbox::take(const wanted_reply& what, clock::duration time) {
  bool stopped = co_await cancelled();
  if (stopped) co_return nullptr;
  if (auto kept = take_kept(what)) co_return kept;
  const auto deadline = time == for_ever ? clock::time_point::max() : patience_.now() + time;
  waiter self{loop_, what};
  enter(self);
  while (self.got == nullptr && !stopped && patience_.now() < deadline) {
    co_await self.woken.wait_until(time_, patience_.when(deadline));
    stopped = co_await cancelled();
  }
  leave(self);
  if (stopped && self.got != nullptr) return_unused(std::exchange(self.got, nullptr));
  co_return std::move(self.got);
}

std::string reply_inbox::unfit(const wanted_reply& what) const {
  std::size_t count = 0;
  const arrived_reply* last = nullptr;
  for (const kept_reply& each : kept_) {
    if (each->number() < what.since || std::ranges::find(what.names, each->name()) == what.names.end())
      continue;
    ++count;
    last = each.get();
  }
  const auto values = last == nullptr ? nullptr : last->values();
  if (values == nullptr) return "";
  ordered_json equal = ordered_json::object();
  for (const auto& [path, value] : what.equal) equal[path] = value;
  std::string why = config::mismatch(*values, equal);
  if (why.empty()) why = config::mismatch(*values, what.where);
  if (why.empty()) return "";
  const std::string times = count == 1 ? "once" : fmt::format("{} times", count);
  return fmt::format("reply {} came {}, {}", last->name(), times, why);
}

void reply_inbox::released() {
  for (waiter* each : waiters_) each->woken.notify();
}

}  // namespace duplexd
