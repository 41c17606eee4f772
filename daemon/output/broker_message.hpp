#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "config/value/path_pattern.hpp"
#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// The topic or subject of an event. In names each of the characters `special` becomes `_`, because they mean
/// something to the broker.
[[nodiscard]] inline std::string topic_of(const config::path_pattern& pattern, std::string_view session,
                                          std::string_view name, std::string_view time,
                                          std::string_view special) {
  const auto plain = [special](std::string_view text) {
    std::string made{text};
    std::ranges::replace_if(
        made, [special](char c) { return special.find(c) != std::string_view::npos; }, '_');
    return made;
  };
  return pattern.path_of(plain(session), plain(name), time);
}

/// What a message holds: the record, without the newline behind a JSON map.
[[nodiscard]] inline std::string_view payload_of(const record_batch::record& event) noexcept {
  const bool is_map = event.text.starts_with('{') && event.text.ends_with("}\n");
  return is_map ? event.text.substr(0, event.text.size() - 1) : event.text;
}

}  // namespace duplexd
