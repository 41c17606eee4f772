#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// The path of an output's files: `${session}` and `${reply}` stand for an event's names, `%Y`, `%m`, `%d`,
/// `%H`, `%M`, `%S` and `%F` for its time in UTC, `%%` for a percent sign. Pure.
class path_pattern {
 public:
  /// What is wrong with it is told in `error`.
  [[nodiscard]] static std::optional<path_pattern> parse(std::string_view text, std::string& error);

  /// The path for an event; `time` is RFC 3339. Names cannot lead into another directory: a `/` in them
  /// becomes
  /// `_`, and so does a dot that they begin with. Without a reply it is `raw`.
  [[nodiscard]] std::string path_of(std::string_view session, std::string_view reply,
                                    std::string_view time) const;

  /// Whether a path, or what rotation and compression made of it, may have come from this pattern.
  [[nodiscard]] bool may_have_made(std::string_view path) const;

  /// The directory below which all of its files are.
  [[nodiscard]] std::string directory() const;

  /// The path of an ended file: with `stamp` before the name's last extension.
  [[nodiscard]] static std::string ended(std::string_view path, std::string_view stamp);

 private:
  enum class part_kind : std::uint8_t { text, session, reply, time };
  struct part {
    part_kind kind = part_kind::text;
    std::string text{};    ///< of a text
    std::size_t from = 0;  ///< of a time: where it stands in RFC 3339, and how long it is
    std::size_t size = 0;
  };
  void add_text(std::string_view text);

  std::vector<part> parts_;
};

}  // namespace duplexd::config
