#include "daemon/session/sequence_watch.hpp"

#include "config/value/json_path.hpp"

namespace duplexd {

using nlohmann::ordered_json;

std::vector<sequence_gap> sequence_watch::see(const std::string& reply, const ordered_json& data) {
  std::vector<sequence_gap> gaps;
  for (const config::sequence_settings& rule : rules_) {
    if (rule.reply != reply) continue;
    const ordered_json* number = config::find_path(data, rule.field);
    if (number == nullptr || !number->is_number_integer()) continue;
    const auto found = number->get<std::int64_t>();
    ordered_json key = ordered_json::array();
    for (const std::string& field : rule.key) {
      const ordered_json* value = config::find_path(data, field);
      key.push_back(value == nullptr ? ordered_json() : *value);
    }
    const auto [place, is_new] =
        next_.try_emplace({&rule, key.dump(-1, ' ', false, ordered_json::error_handler_t::replace)}, found);
    if (!is_new && place->second != found) gaps.push_back({&rule, std::move(key), place->second, found});
    place->second = found + 1;
  }
  return gaps;
}

}  // namespace duplexd
