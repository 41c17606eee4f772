#include "protocol/json_text.hpp"

#include "protocol/text_form.hpp"
#include "protocol/text_scan.hpp"

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

bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// One pass over a JSON text. `open_` remembers the kinds of the containers around the cursor; what stands
// from `from_` to the cursor is still to be copied.
class json_copier {
 public:
  json_copier(std::string_view text, std::string& out, std::size_t depth)
      : text_(text), out_(out), depth_(depth) {}

  bool run() {
    do {
      if (!value()) return false;
    } while (!open_.empty());
    skip_space();
    copy();
    return at_ == text_.size() || fail("something follows the JSON value");
  }

  // Texts that are not UTF-8 are told as such, whatever else is wrong with them.
  [[nodiscard]] json_fault fault() const {
    const std::size_t bad = find_bad_utf8(text_);
    return bad == text_.size() ? json_fault{at_, message_} : json_fault{bad, "not UTF-8"};
  }

 private:
  bool fail(const char* message) {
    message_ = message;
    return false;
  }
  void skip_space() {
    if (at_ == text_.size() || !is_space(text_[at_])) return;
    copy();
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    from_ = at_;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void copy() { out_.append(text_, from_, at_ - from_); }

  // A value or the start of a container, then every container's end that follows.
  bool value() {
    skip_space();
    const char c = peek();
    if (c == '{' || c == '[') {
      if (open_.size() == depth_) return fail("nested too deeply");
      open_ += c;
      ++at_;
      skip_space();
      if (peek() == (c == '{' ? '}' : ']')) return close();
      return c == '[' || key();
    }
    if (!scalar(c)) return false;
    return after_value();
  }

  bool close() {
    ++at_;
    open_.pop_back();
    return after_value();
  }

  bool after_value() {
    while (!open_.empty()) {
      skip_space();
      const char c = peek();
      if (c == ',') {
        ++at_;
        skip_space();
        return open_.back() == '[' || key();
      }
      if (c != (open_.back() == '{' ? '}' : ']')) return fail("expected ',' or the end of the list or map");
      ++at_;
      open_.pop_back();
    }
    return true;
  }

  bool key() {
    if (peek() != '"') return fail("expected a key");
    if (!string()) return false;
    skip_space();
    if (peek() != ':') return fail("expected ':'");
    ++at_;
    return true;
  }

  bool scalar(char c) {
    if (c == '"') return string();
    if (c == '-' || is_digit(c)) return number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return true;
    }
    return fail(at_ == text_.size() ? "the JSON text ends too early" : "expected a JSON value");
  }

  bool digits() {
    if (!is_digit(peek())) return fail("expected a digit");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else if (!digits())
      return false;
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  bool hex4(unsigned& unit) {
    const auto bytes = at_ + 4 <= text_.size() ? parse_hex(text_.substr(at_, 4)) : std::nullopt;
    if (!bytes) return fail("expected four hex digits");
    unit = static_cast<unsigned>((*bytes)[0] << 8 | (*bytes)[1]);
    at_ += 4;
    return true;
  }

  bool escape() {
    ++at_;
    const char c = peek();
    if (c != 'u') {
      if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
        return fail("unknown escape");
      ++at_;
      return true;
    }
    ++at_;
    unsigned unit = 0;
    if (!hex4(unit)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return true;
    if (unit > 0xdbff || text_.substr(at_, 2) != "\\u") return fail("half of a surrogate pair");
    at_ += 2;
    if (!hex4(unit)) return false;
    return (unit >= 0xdc00 && unit <= 0xdfff) || fail("half of a surrogate pair");
  }

  bool string() {
    for (++at_;;) {
      at_ = find_not_plain(text_, at_);
      if (at_ == text_.size()) return fail("the JSON text ends too early");
      const char c = text_[at_];
      if (c == '"') break;
      if (c == '\\') {
        if (!escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a text");
      if (!beyond_ascii()) return fail("not UTF-8");
    }
    ++at_;
    return true;
  }

  bool beyond_ascii() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) {
      const std::size_t length = utf8_length(text_.data() + at_, text_.size() - at_);
      if (length == 0) return false;
      at_ += length;
    }
    return true;
  }

  std::string_view text_;
  std::string& out_;
  std::size_t depth_;
  std::size_t at_ = 0;
  std::size_t from_ = 0;
  std::string open_;
  const char* message_ = "";
};

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
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
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

std::optional<json_fault> copy_json(std::string_view text, std::string& out, std::size_t depth) {
  const std::size_t before = out.size();
  json_copier copier(text, out, depth);
  if (copier.run()) return std::nullopt;
  out.resize(before);
  return copier.fault();
}

std::optional<std::string_view> find_json(std::string_view text, const std::vector<std::string>& parts) {
  json_finder finder(text);
  for (const std::string& part : parts)
    if (!finder.enter(part)) return std::nullopt;
  const std::string_view found = finder.value();
  return found.empty() ? std::nullopt : std::optional(found);
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
