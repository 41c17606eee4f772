#include "daemon/session/sequence_watch.hpp"

#include <limits>

#include "config/value/json_path.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

/// Counters of 64 bits start again behind their largest number.
ordered_json successor(const ordered_json& number) {
  const auto next = number.get<std::uint64_t>() + 1;
  return number.is_number_unsigned() ? ordered_json(next) : ordered_json(static_cast<std::int64_t>(next));
}

/// The whole numbers of JSON have two types: those beyond 2^63-1 have no sign.
bool is_greater(const ordered_json& a, const ordered_json& b) {
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  const auto is_beyond = [](const ordered_json& each) {
    return each.is_number_unsigned() && each.get<std::uint64_t>() > static_cast<std::uint64_t>(largest);
  };
  if (is_beyond(a) && is_beyond(b)) return a.get<std::uint64_t>() > b.get<std::uint64_t>();
  if (is_beyond(a) || is_beyond(b)) return is_beyond(a);
  return a.get<std::int64_t>() > b.get<std::int64_t>();
}

// In one way for all time: numbers are kept under it.
std::string text_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// None of a link: what came before is not known to be of this one.
constexpr auto no_link = std::numeric_limits<std::uint64_t>::max();

}  // namespace

sequence_watch::sequence_watch(std::vector<config::sequence_settings> rules, std::uint64_t limit)
    : limit_(limit) {
  rules_.reserve(rules.size());
  for (config::sequence_settings& each : rules) {
    std::string name = each.durable ? name_of(each) : "";
    rules_.push_back({std::move(each), std::move(name)});
  }
}

// What makes another rule is in it, what happens at a gap is not. The values of the key follow.
std::string sequence_watch::name_of(const config::sequence_settings& what) {
  std::string name{name_prefix};
  name += '[' + text_of(what.reply) + ',' + text_of(what.field) + ',' + text_of(what.key) + ',';
  return name;
}

sequence_watch::counted::iterator sequence_watch::add(const rule& of, std::string key) {
  const std::uint64_t size = key.size() + overhead + (of.what.durable ? of.name.size() + key.size() + 1 : 0);
  if (used_ > limit_ || size > limit_ - used_) return next_.end();
  used_ += size;
  return next_.emplace(std::pair{&of, std::move(key)}, expected{}).first;
}

bool sequence_watch::restore(const rule& of, const std::string& name, const ordered_json& number) {
  const auto place = add(of, name.substr(of.name.size(), name.size() - of.name.size() - 1));
  if (place != next_.end()) place->second = {number, no_link};
  return place != next_.end();
}

bool sequence_watch::make_durable(const std::map<std::string, std::string>& kept, keeper who) {
  keeper_ = std::move(who);
  bool has_room = true;
  for (auto each = kept.lower_bound(std::string(name_prefix)); each != kept.end(); ++each) {
    const auto& [name, value] = *each;
    if (!name.starts_with(name_prefix)) break;
    const auto number = ordered_json::parse(value, nullptr, false);
    bool goes_on = false;
    for (const rule& one : rules_) {
      if (!one.what.durable || !number.is_number_integer()) continue;
      if (!name.starts_with(one.name) || !name.ends_with(']')) continue;
      const bool added = restore(one, name, number);
      goes_on |= added;
      has_room &= added;
    }
    if (!goes_on) keeper_(name, "");
  }
  return has_room;
}

std::map<std::string, field_list> sequence_watch::looked_at() const {
  std::map<std::string, field_list> all;
  for (const rule& each : rules_) {
    field_list& fields = all[each.what.reply];
    fields.add(each.what.field);
    for (const std::string& key : each.what.key) fields.add(key);
  }
  return all;
}

std::vector<sequence_gap> sequence_watch::see(const std::string& reply, const ordered_json& data) {
  std::vector<sequence_gap> gaps;
  overflowed_ = false;
  for (const rule& each : rules_) {
    if (each.what.reply != reply) continue;
    const ordered_json* number = config::find_path(data, each.what.field);
    if (number == nullptr || !number->is_number_integer()) continue;
    const ordered_json& found = *number;
    ordered_json key = ordered_json::array();
    for (const std::string& field : each.what.key) {
      const ordered_json* value = config::find_path(data, field);
      key.push_back(value == nullptr ? ordered_json() : *value);
    }
    std::string text = text_of(key);
    auto place = next_.find({&each, text});
    const bool is_new = place == next_.end();
    if (is_new) place = add(each, text);
    overflowed_ |= place == next_.end();
    if (place == next_.end()) continue;
    const auto& [due, link] = place->second;
    const bool over_links = link != link_;
    const bool is_gap = !is_new && (over_links ? is_greater(found, due) : found != due);
    if (is_gap) gaps.push_back({&each.what, std::move(key), due, found, over_links});
    place->second = {successor(found), link_};
    if (each.what.durable && keeper_)
      keeper_(each.name + std::move(text) + ']', text_of(place->second.number));
  }
  return gaps;
}

}  // namespace duplexd
