#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/value/json_size.hpp"

namespace duplexd {

/// What steps saved. Lives as long as the session, so that what one link learnt (an id to resume with) is
/// there on the next.
class variables {
 public:
  /// `limit`: bytes of all of them.
  explicit variables(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) : limit_(limit) {}

  /// What there is stays, even if it is more.
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }

  /// False: there would be too many bytes, and nothing is changed.
  [[nodiscard]] bool set(const std::string& name, nlohmann::ordered_json value) {
    const std::uint64_t size = name.size() + config::size_in_memory(value);
    auto& known = sizes_[name];
    const std::uint64_t others = bytes_ - known;
    if (others > limit_ || size > limit_ - others) return false;
    bytes_ += size - known;
    known = size;
    values_[name] = std::move(value);
    return true;
  }

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

  std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
  std::map<std::string, std::uint64_t> sizes_;
  std::map<std::string, nlohmann::ordered_json, std::less<>> values_;
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace duplexd
