#include "config/value/topic_filter.hpp"

namespace duplexd::config {

std::vector<std::string_view> levels_of(std::string_view text, char separator) {
  std::vector<std::string_view> levels;
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find(separator);
    levels.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return levels;
}

bool is_heard(std::string_view topic, std::string_view filter, const topic_syntax& syntax) {
  const auto named = levels_of(topic, syntax.separator);
  const auto wanted = levels_of(filter, syntax.separator);
  const std::string_view one{&syntax.one_level, 1};
  const std::string_view all{&syntax.all_levels, 1};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == all) return true;
    const bool fits = i < named.size() && (wanted[i] == one || wanted[i] == named[i]);
    if (!fits) return false;
  }
  return named.size() == wanted.size();
}

}  // namespace duplexd::config
