#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// A regular expression of RE2's notation. Searching takes time linear in the text.
class text_pattern {
 public:
  /// Null and a reason in `error` if it is none, has more than 20 groups, or would take more than 1 MiB.
  [[nodiscard]] static std::shared_ptr<const text_pattern> parse(std::string_view text, std::string& error);

  ~text_pattern();
  text_pattern(const text_pattern&) = delete;
  text_pattern& operator=(const text_pattern&) = delete;

  [[nodiscard]] bool is_in(std::string_view text) const;

  /// What was found first: all of it, then each group. A group that took no part has no value. Nothing if the
  /// text has no such part.
  using groups = std::vector<std::optional<std::string_view>>;
  [[nodiscard]] std::optional<groups> find_in(std::string_view text) const;

  /// The names of the groups, from the one with number 1 on; empty: it has none.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] bool has_names() const noexcept { return has_names_; }

 private:
  struct engine;
  explicit text_pattern(std::unique_ptr<engine> made);
  std::unique_ptr<engine> engine_;
  std::vector<std::string> names_;
  bool has_names_ = false;
};

}  // namespace duplexd::config
