#include "protocol/text/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocol/text/json_tree.hpp"
#include "protocol/text/text_encoding.hpp"
#include "protocol/text/text_scan.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

bool append_json(std::string& out, const ordered_json& value, json_style style) {
  const bool python = style == json_style::python;
  const auto quote = [&](const std::string& text) {
    if (find_bad_utf8(text) != text.size()) return false;
    python ? append_quoted_ascii(out, text) : append_quoted(out, text);
    return true;
  };
  switch (value.type()) {
    case ordered_json::value_t::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, item] : value.items()) {
        if (!std::exchange(first, false)) out += python ? ", " : ",";
        if (!quote(key)) return false;
        out += python ? ": " : ":";
        if (!append_json(out, item, style)) return false;
      }
      out += '}';
      return true;
    }
    case ordered_json::value_t::array: {
      out += '[';
      bool first = true;
      for (const ordered_json& item : value) {
        if (!std::exchange(first, false)) out += python ? ", " : ",";
        if (!append_json(out, item, style)) return false;
      }
      out += ']';
      return true;
    }
    case ordered_json::value_t::string:
      return quote(value.get_ref<const std::string&>());
    case ordered_json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return true;
    case ordered_json::value_t::number_integer:
      append_integer(out, value.get<std::int64_t>());
      return true;
    case ordered_json::value_t::number_unsigned:
      append_natural(out, value.get<std::uint64_t>());
      return true;
    case ordered_json::value_t::number_float:
      append_real(out, value.get<double>());
      return true;
    case ordered_json::value_t::binary:
      out += '"';
      append_hex(out, value.get_binary());
      out += '"';
      return true;
    default:
      out += "null";
      return true;
  }
}

std::optional<json_fault> parse_json(std::string_view text, ordered_json& out, std::size_t depth) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  const std::size_t skipped = text.starts_with(mark) ? mark.size() : 0;
  text.remove_prefix(skipped);
  if (auto fault = check_json(text, depth)) {
    fault->offset += skipped;
    return fault;
  }
  out = json_tree(text);
  return std::nullopt;
}

std::optional<ordered_json> parse_json(std::string_view text) {
  ordered_json out;
  if (parse_json(text, out)) return std::nullopt;
  return out;
}

bool is_deeper(const ordered_json& value, std::size_t depth) noexcept {
  if (!value.is_structured()) return false;
  if (depth == 0) return true;
  return std::any_of(value.begin(), value.end(),
                     [&](const ordered_json& each) { return is_deeper(each, depth - 1); });
}

std::string_view kind_of(const ordered_json& value) noexcept {
  if (value.is_object()) return "a map";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a text";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a number";
  return "nothing";
}

namespace {

// Walks over text without checking it; used only to look things up.
class json_finder {
 public:
  explicit json_finder(std::string_view text) : text_(text) {}

  bool enter(const std::string& part) {
    skip_space();
    if (peek() == '{') return enter_map(part);
    if (peek() == '[') return enter_list(part);
    return false;
  }

  // Calls `found(name, value)` for each field of a map; false as read_json_fields says.
  template <class Found>
  bool each_field(Found found) {
    skip_space();
    if (peek() != '{') return false;
    ++at_;
    skip_space();
    if (peek() == '}') return true;
    do {
      skip_space();
      if (peek() != '"') return false;
      const std::size_t from = at_;
      skip_string();
      const std::string_view name = text_.substr(from + 1, at_ - from - 2);
      if (name.find('\\') != std::string_view::npos) return false;
      skip_space();
      ++at_;  // the colon
      found(name, value());
    } while (next_item());
    return true;
  }

  std::string_view value() {
    skip_space();
    const std::size_t from = at_;
    skip_value();
    return text_.substr(from, at_ - from);
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  void skip_string() {
    const char* const end = text_.data() + text_.size();
    const auto at_stop = [&] {
      return static_cast<std::size_t>(find_not_plain(text_.data() + at_, end) - text_.data());
    };
    for (++at_, at_ = at_stop(); at_ < text_.size() && text_[at_] != '"'; at_ = at_stop())
      at_ = std::min(at_ + (text_[at_] == '\\' ? 2 : 1), text_.size());
    at_ = std::min(at_ + 1, text_.size());
  }
  void skip_value() {
    std::size_t depth = 0;
    do {
      skip_space();
      const char c = peek();
      if (at_ >= text_.size()) return;
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return;
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        if (depth == 0) return;
        ++at_;
      } else {
        while (at_ < text_.size() && !is_space(text_[at_]) &&
               std::string_view(",:{}[]\"").find(text_[at_]) == std::string_view::npos)
          ++at_;
      }
    } while (depth > 0);
  }
  bool next_item() {
    skip_space();
    if (peek() != ',') return false;
    ++at_;
    return true;
  }
  bool enter_map(const std::string& part) {
    ++at_;
    do {
      skip_space();
      if (peek() != '"') return false;
      const std::size_t from = at_;
      skip_string();
      const std::string_view key = text_.substr(from, at_ - from);
      skip_space();
      if (peek() != ':') return false;
      ++at_;
      if (same_key(key, part)) return true;
      skip_value();
    } while (next_item());
    return false;
  }
  bool enter_list(const std::string& part) {
    const auto index = parse_integer(part);
    if (!index || *index < 0) return false;
    ++at_;
    skip_space();
    if (peek() == ']') return false;
    for (std::int64_t i = 0; i < *index; ++i) {
      skip_value();
      if (!next_item()) return false;
    }
    return true;
  }
  static bool same_key(std::string_view quoted, const std::string& part) {
    if (quoted.find('\\') == std::string_view::npos)
      return quoted.size() == part.size() + 2 && quoted.substr(1, part.size()) == part;
    const ordered_json key = ordered_json::parse(quoted, nullptr, false);
    return key.is_string() && key.get_ref<const std::string&>() == part;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> replace_non_finite(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> words{
      {{"NaN", "\"nan\""}, {"Infinity", "\"inf\""}, {"-Infinity", "\"-inf\""}}};
  constexpr std::string_view ends_word = " \t\r\n,:{}[]\"";
  std::string out;
  bool any = false;
  while (!text.empty()) {
    std::size_t size = 1;
    if (text.front() == '"') {
      while (size < text.size() && text[size] != '"') size += text[size] == '\\' ? 2 : 1;
      size = std::min(size + 1, text.size());
    } else if (ends_word.find(text.front()) == std::string_view::npos) {
      size = std::min(text.find_first_of(ends_word), text.size());
    }
    const std::string_view token = text.substr(0, size);
    text.remove_prefix(size);
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.first == token; });
    const bool is_key =
        text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size())).starts_with(':');
    const bool replaced = found != words.end() && !is_key;
    any = any || replaced;
    out += replaced ? found->second : token;
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string_view> find_json(std::string_view text, const std::vector<std::string>& parts) {
  json_finder finder(text);
  for (const std::string& part : parts)
    if (!finder.enter(part)) return std::nullopt;
  const std::string_view found = finder.value();
  return found.empty() ? std::nullopt : std::optional(found);
}

namespace {

// Most values that are looked at are short texts and whole numbers: they need no parser.
ordered_json value_of(std::string_view text) {
  if (text.front() == '"' && text.find('\\') == std::string_view::npos)
    return std::string(text.substr(1, text.size() - 2));
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && stop == end) {
    if (number < 0) return number;
    return static_cast<std::uint64_t>(number);
  }
  return json_tree(text);
}

}  // namespace

bool read_json_fields(std::string_view text, std::span<const std::string> names, ordered_json& out) {
  out = ordered_json::object();
  return json_finder(text).each_field([&](std::string_view name, std::string_view value) {
    const auto wanted = std::ranges::find(names, name);
    if (wanted != names.end()) out[*wanted] = value_of(value);
  });
}

std::optional<std::vector<std::string>> split_pointer(std::string_view pointer) {
  std::vector<std::string> parts;
  if (pointer.empty()) return parts;
  if (pointer.front() != '/') return std::nullopt;
  for (const char c : pointer) {
    if (c == '/') {
      parts.emplace_back();
    } else if (!parts.back().empty() && parts.back().back() == '~' && (c == '0' || c == '1')) {
      parts.back().back() = c == '0' ? '~' : '/';
      if (c == '0') parts.back() += '\0';  // "~01" is "~1": mark the tilde as done
    } else {
      parts.back() += c;
    }
  }
  for (std::string& part : parts) std::erase(part, '\0');
  return parts;
}

}  // namespace duplexd::protocol
