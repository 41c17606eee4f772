#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace duplexd {

/// What steps saved. Lives as long as the session, so that what one link learnt (an id to resume with) is
/// there on the next.
class variables {
 public:
  void set(const std::string& name, nlohmann::ordered_json value) { values_[name] = std::move(value); }

  /// Null if there is none of that name.
  [[nodiscard]] const nlohmann::ordered_json* find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }

  /// Whether some text that was saved holds `part`.
  [[nodiscard]] bool mention(std::string_view part) const {
    return std::ranges::any_of(values_, [&](const auto& each) { return mentions(each.second, part); });
  }

  /// 1 at first, and one more at each call.
  std::uint64_t count(std::string_view counter) { return ++counters_[std::string(counter)]; }

 private:
  static bool mentions(const nlohmann::ordered_json& value, std::string_view part) {
    if (value.is_string()) return value.get_ref<const std::string&>().find(part) != std::string::npos;
    return value.is_structured() &&
           std::ranges::any_of(value, [&](const auto& inner) { return mentions(inner, part); });
  }

  std::map<std::string, nlohmann::ordered_json, std::less<>> values_;
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace duplexd
