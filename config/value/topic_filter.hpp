#pragma once

#include <string_view>
#include <vector>

namespace duplexd::config {

/// How a broker writes its topics or subjects, and what stands for other names in a filter.
struct topic_syntax {
  char separator;
  char one_level;
  char all_levels;  ///< that are left
};
inline constexpr topic_syntax mqtt_topics{'/', '+', '#'};
inline constexpr topic_syntax nats_subjects{'.', '*', '>'};

/// The names between the separators.
[[nodiscard]] std::vector<std::string_view> levels_of(std::string_view text, char separator);

/// Whether a message to `topic` is one of those that `filter` stands for. Pure.
[[nodiscard]] bool is_heard(std::string_view topic, std::string_view filter, const topic_syntax& syntax);

}  // namespace duplexd::config
