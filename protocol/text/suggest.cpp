#include "protocol/text/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace duplexd::protocol {

namespace {

constexpr std::size_t longest_name = 64;  // names beyond are not worth the work
constexpr std::size_t most_names = 12;    // a longer list helps nobody
constexpr std::size_t most_compared = 2'000;

/// Optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0u);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view written, const std::vector<std::string>& known) {
  if (written.size() > longest_name || known.size() > most_compared) return "";
  const std::string* found = nullptr;
  std::size_t best = longest_name;
  for (const std::string& name : known) {
    const std::size_t edits = name.size() <= longest_name ? distance(written, name) : longest_name;
    const std::size_t allowed = std::max<std::size_t>(1, std::max(written.size(), name.size()) / 3);
    if (edits >= best || edits > allowed) continue;
    best = edits;
    found = &name;
  }
  return found == nullptr ? "" : *found;
}

std::string suggest(std::string_view written, const std::vector<std::string>& known) {
  const std::string name = nearest(written, known);
  return name.empty() ? "" : fmt::format("did you mean '{}'?", name);
}

std::string suggest_or_list(std::string_view written, const std::vector<std::string>& known) {
  std::string hint = suggest(written, known);
  if (hint.empty() && !known.empty() && known.size() <= most_names)
    hint = fmt::format("known: {}", fmt::join(known, ", "));
  return hint;
}

}  // namespace duplexd::protocol
