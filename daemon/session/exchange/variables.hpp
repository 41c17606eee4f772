#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

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
  void limit_durable(std::uint64_t bytes) noexcept { durable_limit_ = bytes; }

  /// Told, as JSON, of the values of some variables, and of the counters of these names ("counter:NAME"),
  /// when they are set.
  using keeper = std::function<void(const std::string& name, std::string value)>;
  /// `limit`: bytes of their names and values as JSON. What there is stays, even if it is more.
  void make_durable(const std::set<std::string>& names, std::uint64_t limit, keeper who) {
    durable_.clear();
    durable_limit_ = limit;
    keeper_ = std::move(who);
    for (const std::string& name : names) {
      const auto* value = find(name);
      durable_[name] = value == nullptr ? 0 : name.size() + text_of(*value).size();
    }
  }
  [[nodiscard]] bool is_durable(std::string_view name) const { return durable_.contains(name); }

  /// If there would be too many bytes nothing is changed.
  enum class outcome : std::uint8_t { done, too_many_bytes, too_many_durable_bytes };
  [[nodiscard]] outcome set(const std::string& name, nlohmann::ordered_json value) {
    const std::uint64_t size = name.size() + config::size_in_memory(value);
    auto& known = sizes_[name];
    const std::uint64_t others = bytes_ - known;
    if (others > limit_ || size > limit_ - others) return outcome::too_many_bytes;
    if (const auto kept = durable_.find(name); kept != durable_.end()) {
      std::string text = text_of(value);
      std::uint64_t all = name.size() + text.size();
      for (const auto& [other, bytes] : durable_)
        if (other != name) all += bytes;
      if (all > durable_limit_) return outcome::too_many_durable_bytes;
      kept->second = name.size() + text.size();
      keeper_(name, std::move(text));
    }
    bytes_ += size - known;
    known = size;
    values_[name] = std::move(value);
    return outcome::done;
  }

  /// As it is kept.
  [[nodiscard]] static std::string text_of(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
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
  std::uint64_t count(std::string_view counter) {
    const std::uint64_t number = ++counters_[std::string(counter)];
    if (is_durable(counter)) keeper_(counter_prefix + std::string(counter), std::to_string(number));
    return number;
  }
  /// The same, among those of one connection.
  std::uint64_t count_of_link(std::string_view counter) { return ++link_counters_[std::string(counter)]; }
  /// Those of the next connection begin at 1.
  void begin_link() { link_counters_.clear(); }
  /// The next is one more.
  void go_on_from(const std::string& counter, std::uint64_t number) { counters_[counter] = number; }
  static constexpr const char* counter_prefix = "counter:";

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
  std::map<std::string, std::uint64_t> link_counters_;
  std::map<std::string, std::uint64_t, std::less<>> durable_;  ///< with the bytes of each
  std::uint64_t durable_limit_ = 0;
  keeper keeper_;
};

}  // namespace duplexd
