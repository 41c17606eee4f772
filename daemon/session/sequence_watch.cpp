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

}  // namespace

std::map<std::string, field_list> sequence_watch::looked_at() const {
  std::map<std::string, field_list> all;
  for (const config::sequence_settings& rule : rules_) {
    field_list& fields = all[rule.reply];
    fields.add(rule.field);
    for (const std::string& key : rule.key) fields.add(key);
  }
  return all;
}

std::vector<sequence_gap> sequence_watch::see(const std::string& reply, const ordered_json& data) {
  std::vector<sequence_gap> gaps;
  overflowed_ = false;
  for (const config::sequence_settings& rule : rules_) {
    if (rule.reply != reply) continue;
    const ordered_json* number = config::find_path(data, rule.field);
    if (number == nullptr || !number->is_number_integer()) continue;
    const ordered_json& found = *number;
    ordered_json key = ordered_json::array();
    for (const std::string& field : rule.key) {
      const ordered_json* value = config::find_path(data, field);
      key.push_back(value == nullptr ? ordered_json() : *value);
    }
    std::pair known{&rule, key.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
    auto place = next_.find(known);
    const bool is_new = place == next_.end();
    if (is_new) {
      const std::uint64_t size = known.second.size() + overhead;
      overflowed_ = used_ > limit_ || size > limit_ - used_;
      if (overflowed_) continue;
      used_ += size;
      place = next_.emplace(std::move(known), expected{}).first;
    }
    const auto& [due, link] = place->second;
    const bool over_links = link != link_;
    const bool is_gap = !is_new && (over_links ? is_greater(found, due) : found != due);
    if (is_gap) gaps.push_back({&rule, std::move(key), due, found, over_links});
    place->second = {successor(found), link_};
  }
  return gaps;
}

}  // namespace duplexd
