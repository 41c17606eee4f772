#include "protocol/layout/notation.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace duplexd::protocol {
namespace {

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_order(char c) noexcept {
  return c == '<' || c == '>' || c == '=' || c == '!' || c == '@';
}

class line_parser {
 public:
  line_parser(std::string_view text, notation_fault& fault) : text_(text), fault_(fault) {}

  bool run(layout_line& out) {
    skip_space();
    if (at_ < text_.size() && is_order(text_[at_])) out.order = text_[at_++];
    while (skip_space(), at_ < text_.size()) {
      out.tokens.emplace_back();
      if (!one(out.tokens.back())) return false;
    }
    return true;
  }

 private:
  bool fail(std::size_t at, std::string message, std::string hint = {}) {
    fault_ = {at, std::move(message), std::move(hint)};
    return false;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  template <class Allowed>
  piece take_while(Allowed allowed) {
    piece out{{}, at_};
    while (at_ < text_.size() && allowed(text_[at_])) out.text += text_[at_++];
    return out;
  }
  piece take_word() {
    return take_while([](char c) { return is_letter(c) || is_digit(c); });
  }

  bool one(token& out) {
    out.at = at_;
    if (text_.substr(at_, 3) == "...") {
      out.spread = true;
      at_ += 3;
    }
    piece word = take_word();
    if (peek() == ':' && !out.spread) {
      if (!is_field_name(word.text))
        return fail(word.at,
                    word.text.empty() ? "expected a field's name before ':'"
                                      : "'" + word.text + "' is not a valid field name",
                    "a name is a letter or '_', then letters, digits or '_'");
      out.named = true;
      out.name = std::move(word);
      ++at_;
      if (is_order(peek()) && peek() != '\0') out.order = text_[at_++];
      word = take_word();
      if (peek() == '?' && word.text.empty()) word.text += text_[at_++];
    } else {
      // An unnamed group may hold '?', struct's boolean.
      while (peek() == '?' && peek(1) != '=') {
        word.text += text_[at_++];
        word.text += take_word().text;
      }
    }
    if (word.text.empty()) return no_type(out);
    out.type = std::move(word);
    return suffixes(out);
  }

  bool no_type(const token& out) {
    if (at_ == text_.size()) return fail(at_, "expected a type");
    const unsigned char first = static_cast<unsigned char>(text_[at_]);
    std::size_t length = 1;  // of a whole character
    while (first >= 0xc0 && at_ + length < text_.size() &&
           (static_cast<unsigned char>(text_[at_ + length]) & 0xc0) == 0x80)
      ++length;
    const std::string_view found = text_.substr(at_, length);
    std::string hint;
    if (is_space(text_[at_]) && out.named) hint = "no space behind ':': write " + out.name.text + ":type";
    for (const std::string_view quote : {"\u2018", "\u2019", "\u201c", "\u201d"})
      if (found == quote) hint = "a typographic quote: YAML knows only ' and \"";
    return fail(at_, "expected a type, found '" + std::string(found) + "'", std::move(hint));
  }

  bool suffixes(token& out) {
    if (peek() == '(' && !extent(out.size, '(', ')')) return false;
    if (peek() == '[' && !extent(out.count, '[', ']')) return false;
    while (at_ < text_.size() && !is_space(text_[at_])) {
      const char c = text_[at_];
      if (c == '/' || c == '*') {
        if (!out.offset.text.empty()) return fail(at_, "an offset comes after the scale", "such as *0.1-127");
        out.scales.push_back(number());
      } else if ((c == '+' || c == '-') && out.offset.text.empty()) {
        out.offset = number();
      } else if (c == '@') {
        ++at_;
        out.unit = take_word();
        if (out.unit.text.empty()) return fail(at_, "expected a unit after '@': s, ms, us or ns");
      } else if (c == '=' || (c == '?' && peek(1) == '=')) {
        if (!value(out)) return false;
      } else {
        return fail(at_, "unexpected '" + std::string(1, c) + "'",
                    "a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
                    "separated by spaces");
      }
    }
    return true;
  }

  bool extent(extent_notation& out, char open, char close) {
    const std::size_t from = ++at_;
    if (starts_until(open)) return until(out, open);
    std::size_t depth = 1;
    for (; at_ < text_.size(); ++at_) {
      if (const char c = text_[at_]; c == '"' || c == '\'') {  // of a prefix that ends in a text
        skip_quoted(c);
        if (at_ == text_.size()) break;
      }
      if (text_[at_] == open) ++depth;
      if (text_[at_] == close && --depth == 0) break;
    }
    if (depth != 0) return fail(from - 1, std::string("no '") + close + "' for this '" + open + "'");
    std::string_view inside = text_.substr(from, at_ - from);
    ++at_;
    out.text = {std::string(inside), from};
    if (std::all_of(inside.begin(), inside.end(), is_space))
      return fail(from, std::string("there is nothing between '") + open + "' and '" + close + "'");
    if (inside == "*") {
      if (open == '(') return fail(from, "a size cannot be '*'", "without a size the field takes the rest");
      out.what = extent_notation::kind::to_end;
    } else if (inside.front() == ':') {
      out.what = extent_notation::kind::prefix;
      out.text = {std::string(inside.substr(1)), from + 1};
    } else {
      out.what = extent_notation::kind::expression;
    }
    return true;
  }

  // (until "\r\n") and (until "\r\n", 512); [until "\0"] and [until 0]
  [[nodiscard]] bool starts_until(char open) const {
    std::string_view left = text_.substr(at_);
    constexpr std::string_view word = "until";
    while (!left.empty() && is_space(left.front())) left.remove_prefix(1);
    if (!left.starts_with(word)) return false;
    left.remove_prefix(word.size());
    while (!left.empty() && is_space(left.front())) left.remove_prefix(1);
    if (left.empty()) return false;
    return left.front() == '"' || left.front() == '\'' || (open == '[' && is_digit(left.front()));
  }

  bool until(extent_notation& out, char open) {
    while (peek() != '"' && peek() != '\'' && !is_digit(peek())) ++at_;
    const std::size_t from = at_;
    out.what = extent_notation::kind::until;
    out.text.at = from;
    if (is_digit(peek())) {
      out.number = true;
      out.text = take_word();
      skip_space();
      return closed(']', "[until \"\\0\"] or [until 0]");
    }
    if (!quoted(out.text.text)) return false;
    constexpr std::size_t longest = 16;
    if (out.text.text.empty() || out.text.text.size() > longest)
      return fail(from, "a text ends in 1 to " + std::to_string(longest) + " bytes");
    skip_space();
    if (open == '[') return closed(']', "[until \"\\0\"] or [until 0]");
    if (peek() == ',') {
      ++at_;
      skip_space();
      const piece most = take_while(is_digit);
      const auto [end, error] =
          std::from_chars(most.text.data(), most.text.data() + most.text.size(), out.most);
      constexpr std::int64_t largest = std::int64_t{1} << 31;
      if (error != std::errc() || end != most.text.data() + most.text.size() || out.most < 1 ||
          out.most > largest)
        return fail(most.at, "expected the largest number of bytes, 1 to " + std::to_string(largest));
      skip_space();
    }
    return closed(')', "(until \"\\r\\n\") or (until \"\\r\\n\", 512)");
  }

  bool closed(char close, const char* hint) {
    if (peek() != close) return fail(at_, std::string("expected '") + close + "'", hint);
    ++at_;
    return true;
  }

  // A text in quotes, with escapes.
  bool quoted(std::string& out) {
    const std::size_t from = at_;
    const char quote = text_[at_++];
    for (; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] != '\\')
        out += text_[at_];
      else if (!escape(out))
        return false;
    if (at_++ < text_.size()) return true;
    return fail(from, "the text has no closing quote");
  }

  // What a backslash stands for; `at_` is at its last character then.
  bool escape(std::string& out) {
    static constexpr std::pair<char, char> known[] = {{'r', '\r'}, {'n', '\n'},  {'t', '\t'}, {'0', '\0'},
                                                      {'"', '"'},  {'\'', '\''}, {'\\', '\\'}};
    const std::size_t from = at_++;
    for (const auto& [letter, meaning] : known)
      if (peek() == letter && at_ < text_.size()) {
        out += meaning;
        return true;
      }
    unsigned byte = 0;
    const std::string_view digits = text_.substr(std::min(at_ + 1, text_.size()), 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (peek() != 'x' || digits.size() != 2 || error != std::errc() || end != digits.data() + 2)
      return fail(from, "an unknown escape", "\\r, \\n, \\t, \\0, \\\\, \\\", \\' or \\x and two hex digits");
    out += static_cast<char>(byte);
    at_ += 2;
    return true;
  }

  // To behind the quote; to the end if there is none.
  void skip_quoted(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  // A sign, and what may be a number with an exponent, or a field's name.
  piece number() {
    piece factor{{text_[at_]}, at_};
    ++at_;
    while (at_ < text_.size() && !is_space(text_[at_])) {
      const char c = text_[at_];
      const bool sign = (c == '-' || c == '+') && (factor.text.back() == 'e' || factor.text.back() == 'E') &&
                        factor.text.size() > 1 && is_digit(factor.text[1]);
      if (!is_letter(c) && !is_digit(c) && c != '.' && !sign) break;
      factor.text += text_[at_++];
    }
    return factor;
  }

  bool value(token& out) {
    const std::size_t start = at_;
    if (out.value != token::value_kind::absent) return fail(at_, "a second value");
    out.value = text_[at_] == '?' ? token::value_kind::standard : token::value_kind::constant;
    at_ += text_[at_] == '?' ? 2 : 1;
    out.value_text.at = at_;
    const char c = peek();
    if (c == '"' || c == '\'') {
      if (!quoted(out.value_text.text)) return false;
      out.value_is_text = true;
    } else if (c == '(') {
      extent_notation inner;
      if (!extent(inner, '(', ')')) return false;
      if (inner.what != extent_notation::kind::expression) return fail(start, "expected an expression");
      out.value_text = std::move(inner.text);
    } else {
      out.value_text = take_while([](char d) { return !is_space(d) && d != '/' && d != '*' && d != '@'; });
    }
    if (out.value_text.text.empty() && !out.value_is_text) return fail(at_, "expected a value after '='");
    return true;
  }

  std::string_view text_;
  notation_fault& fault_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<layout_line> parse_line(std::string_view text, notation_fault& fault) {
  layout_line out;
  line_parser parser(text, fault);
  if (!parser.run(out)) return std::nullopt;
  return out;
}

std::string_view canonical_type(std::string_view word) noexcept {
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"u8", "B"},     {"uint8", "B"},    {"byte", "B"},    {"i8", "b"},      {"int8", "b"},
      {"u16", "H"},    {"uint16", "H"},   {"i16", "h"},     {"int16", "h"},   {"u32", "I"},
      {"uint32", "I"}, {"i32", "i"},      {"int32", "i"},   {"int", "i"},     {"u64", "Q"},
      {"uint64", "Q"}, {"i64", "q"},      {"int64", "q"},   {"f16", "e"},     {"f32", "f"},
      {"float", "f"},  {"float32", "f"},  {"f64", "d"},     {"float64", "d"}, {"double", "d"},
      {"bool", "?"},   {"uint24", "u24"}, {"int24", "i24"}, {"string", "str"}};
  for (const auto& [name, type] : names)
    if (name == word) return type;
  return word;
}

bool is_field_name(std::string_view name) noexcept {
  if (name.empty() || !is_letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_struct_group(std::string_view text) noexcept {
  constexpr std::string_view codes = "xcbB?hHiIlLqQnNefdspP";
  if (text.empty() || is_digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_digit(c) || codes.find(c) != std::string_view::npos; });
}

}  // namespace duplexd::protocol
