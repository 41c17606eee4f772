#include "daemon/session/sequence_watch.hpp"

#include "config/value/json_path.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

/// Counters of 64 bits begin anew behind their largest number.
ordered_json successor(const ordered_json& number) {
  const auto next = number.get<std::uint64_t>() + 1;
  return number.is_number_unsigned() ? ordered_json(next) : ordered_json(static_cast<std::int64_t>(next));
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
      overflowed_ = size > limit_ - used_;
      if (overflowed_) continue;
      used_ += size;
      place = next_.emplace(std::move(known), found).first;
    }
    if (!is_new && place->second != found) gaps.push_back({&rule, std::move(key), place->second, found});
    place->second = successor(found);
  }
  return gaps;
}

}  // namespace duplexd
