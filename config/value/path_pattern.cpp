#include "config/value/path_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace duplexd::config {

namespace {

// Where the parts of a time stand: 2026-11-21T02:11:55.123456Z.
struct time_part {
  char letter;
  std::size_t from;
  std::size_t size;
};
constexpr std::array<time_part, 7> time_parts{
    {{'Y', 0, 4}, {'m', 5, 2}, {'d', 8, 2}, {'H', 11, 2}, {'M', 14, 2}, {'S', 17, 2}, {'F', 0, 10}}};

std::string safe(std::string_view name) {
  std::string made{name};
  std::ranges::replace(made, '/', '_');
  std::ranges::replace(made, '\0', '_');
  if (made.starts_with('.')) made.front() = '_';
  return made;
}

bool is_stamp(char c) noexcept {
  return (c >= '0' && c <= '9') || c == 'T' || c == 'Z' || c == '.' || c == '-';
}

// Where the name's last extension begins; its end if it has none.
std::size_t extension_of(std::string_view path) noexcept {
  const auto name = path.rfind('/') + 1;  // 0 without one
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos || dot <= name ? path.size() : dot;
}

}  // namespace

void path_pattern::add_text(std::string_view text) {
  if (text.empty()) return;
  if (parts_.empty() || parts_.back().kind != part_kind::text) parts_.push_back({});
  parts_.back().text.append(text);
}

std::optional<path_pattern> path_pattern::parse(std::string_view text, std::string& error) {
  path_pattern made;
  while (!text.empty()) {
    const auto special = std::min(text.find_first_of("%$"), text.size());
    made.add_text(text.substr(0, special));
    text.remove_prefix(special);
    if (text.starts_with("${")) {
      const auto close = text.find('}');
      const auto name = text.substr(2, close == std::string_view::npos ? close : close - 2);
      if (close == std::string_view::npos || (name != "session" && name != "reply")) {
        error = fmt::format("'${{{}}}' is neither ${{session}} nor ${{reply}}", name);
        return std::nullopt;
      }
      made.parts_.push_back({name == "reply" ? part_kind::reply : part_kind::session});
      text.remove_prefix(close + 1);
    } else if (text.starts_with("%%")) {
      made.add_text("%");
      text.remove_prefix(2);
    } else if (text.starts_with('%')) {
      const auto known = std::ranges::find(time_parts, text.size() > 1 ? text[1] : '\0', &time_part::letter);
      if (known == time_parts.end()) {
        error =
            fmt::format("'{}' is not a part of the time: use %Y %m %d %H %M %S %F, or %% for a percent sign",
                        text.substr(0, 2));
        return std::nullopt;
      }
      made.parts_.push_back({part_kind::time, {}, known->from, known->size});
      text.remove_prefix(2);
    } else if (!text.empty()) {
      made.add_text("$");
      text.remove_prefix(1);
    }
  }
  return made;
}

std::string path_pattern::path_of(std::string_view session, std::string_view reply,
                                  std::string_view time) const {
  std::string path;
  for (const part& each : parts_) {
    switch (each.kind) {
      case part_kind::text:
        path += each.text;
        break;
      case part_kind::session:
        path += safe(session);
        break;
      case part_kind::reply:
        path += safe(reply.empty() ? "raw" : reply);
        break;
      case part_kind::time:
        path += each.from < time.size() ? time.substr(each.from, each.size) : "0";
        break;
    }
  }
  return path;
}

std::string path_pattern::directory() const {
  const std::string_view first = parts_.empty() || parts_.front().kind != part_kind::text
                                     ? std::string_view{}
                                     : std::string_view{parts_.front().text};
  const auto slash = first.rfind('/');
  return slash == std::string_view::npos ? "."
                                         : std::string(first.substr(0, std::max<std::size_t>(slash, 1)));
}

// Placeholders stand for anything but a slash; a pattern has few, so that trying all lengths is cheap.
bool path_pattern::may_have_made(std::string_view path) const {
  for (const std::string_view packed : {".gz", ".zst"})
    if (path.ends_with(packed)) return may_have_made(path.substr(0, path.size() - packed.size()));
  const auto fits = [this](std::string_view whole) {
    std::vector<std::size_t> places{0};  // up to where the parts so far may reach
    for (const part& each : parts_) {
      std::vector<std::size_t> next;
      for (const std::size_t at : places) {
        if (each.kind == part_kind::text) {
          if (whole.substr(at).starts_with(each.text)) next.push_back(at + each.text.size());
          continue;
        }
        const auto end = std::min(whole.find('/', at), whole.size());
        if (each.kind == part_kind::time) {
          if (at + each.size <= end) next.push_back(at + each.size);
        } else {
          for (std::size_t to = at + 1; to <= end; ++to) next.push_back(to);
        }
      }
      std::ranges::sort(next);
      next.erase(std::ranges::unique(next).begin(), next.end());
      places = std::move(next);
    }
    return std::ranges::find(places, whole.size()) != places.end();
  };
  if (fits(path)) return true;
  const auto extension = extension_of(path);
  const auto dash = path.substr(0, extension).rfind('~');
  if (dash == std::string_view::npos ||
      !std::ranges::all_of(path.substr(dash + 1, extension - dash - 1), is_stamp))
    return false;
  return fits(std::string(path.substr(0, dash)).append(path.substr(extension)));
}

std::string path_pattern::ended(std::string_view path, std::string_view stamp) {
  const auto extension = extension_of(path);
  return std::string(path.substr(0, extension)).append("~").append(stamp).append(path.substr(extension));
}

}  // namespace duplexd::config
