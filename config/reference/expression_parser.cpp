#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/reference/expression.hpp"
#include "config/reference/quoted.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using node = expression::node;

constexpr std::size_t deepest = 32;  // brackets inside brackets

/// Whether a quoted text may end before this.
bool may_follow_quoted(std::string_view rest) {
  constexpr std::array<std::string_view, 15> after{" + ", " | ",  " - ",   " * ",  " / ",
                                                   " % ", " == ", " != ",  " < ",  " <= ",
                                                   " > ", " >= ", " and ", " or ", ","};
  const auto next = rest.find_first_not_of(' ');
  return rest.empty() || rest[0] == '}' || (next != std::string_view::npos && rest[next] == ')') ||
         std::ranges::any_of(after, [&](std::string_view each) { return rest.starts_with(each); });
}

/// Behind the quoted text that begins at `at`: after its last quote something follows that may follow a term,
/// so that a quote may also stand inside. 0: it has no end.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;  // whatever follows, it does not end the text
    else if (text[i] == '\'' && may_follow_quoted(text.substr(i + 1)))
      return i + 1;
  }
  return 0;
}

/// The text with \n, \r, \t, \\, \' and \" replaced. Other backslashes stay, as patterns have them.
std::string without_escapes(std::string_view text) {
  constexpr std::string_view letters = "nrt\\'\"";
  constexpr std::string_view meanings = "\n\r\t\\'\"";
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto known =
        text[i] == '\\' && i + 1 < text.size() ? letters.find(text[i + 1]) : std::string_view::npos;
    if (known == std::string_view::npos) {
      made += text[i];
    } else {
      made += meanings[known];
      ++i;
    }
  }
  return made;
}

/// One level of precedence: its signs, those that begin another's last.
struct level {
  std::array<operation, 6> signs;
  std::size_t count;
};
constexpr std::array<level, 5> levels{{
    {{operation::either}, 1},
    {{operation::both}, 1},
    {{operation::equal, operation::differ, operation::less_equal, operation::greater_equal, operation::less,
      operation::greater},
     6},
    {{operation::add, operation::subtract}, 2},
    {{operation::multiply, operation::divide, operation::modulo}, 3},
}};
constexpr std::size_t comparisons = 2;  // the level that `not` stands above

class parser {
 public:
  parser(std::string_view text, std::string& error) : rest_(text), error_(error) {}

  std::optional<node> all() {
    auto made = pipeline();
    if (made && !rest_.empty()) return fail(fmt::format("'{}' is not understood here", rest_));
    return made;
  }

 private:
  using maybe = std::optional<node>;

  maybe fail(std::string message) {
    error_ = std::move(message);
    return std::nullopt;
  }

  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  void skip_spaces() { rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(' '))); }

  /// Until a sign that may stand behind a name; those of calculations only where they are meant.
  std::string_view name(bool calculates) {
    std::size_t end = 0;
    for (; end < rest_.size(); ++end) {
      const std::string_view here = rest_.substr(end);
      if (here.starts_with(" + ") || here.starts_with(" | ")) break;
      if (depth_ > 0 && (here[0] == ')' || here[0] == ',')) break;
      if (calculates && here[0] == ' ') break;
    }
    std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    while (depth_ > 0 && found.ends_with(' ')) found.remove_suffix(1);
    return found;
  }

  maybe pipeline() {
    auto made = rest_.starts_with('=') ? calculation() : sum();
    while (made && take(" | ")) made = call(std::move(*made));
    return made;
  }

  maybe sum() {
    auto first = term(false);
    if (!first || !rest_.starts_with(" + ")) return first;
    node joined{.what = node::kind::join, .gives = value_kinds::text, .is_outside = first->is_outside};
    joined.operands.push_back(std::move(*first));
    while (take(" + ")) {
      auto next = term(false);
      if (!next) return next;
      joined.is_outside |= next->is_outside;
      joined.operands.push_back(std::move(*next));
    }
    return joined;
  }

  maybe calculation() {
    take("=");
    skip_spaces();
    return operations(0);
  }

  std::optional<operation> take_sign(const level& of) {
    for (std::size_t i = 0; i < of.count; ++i)
      if (take(fmt::format(" {} ", name_of(of.signs[i])))) return of.signs[i];
    return std::nullopt;
  }

  maybe operations(std::size_t at) {
    if (at == levels.size()) return operand();
    if (at == comparisons && take("not ")) {
      auto inner = within([&] { return operations(at); });
      if (!inner) return inner;
      node made{.what = node::kind::invert, .gives = value_kinds::boolean, .is_outside = inner->is_outside};
      made.operands.push_back(std::move(*inner));
      return made;
    }
    auto left = operations(at + 1);
    for (auto sign = left ? take_sign(levels[at]) : std::nullopt; sign; sign = take_sign(levels[at])) {
      if (++operations_ > most_operations) return fail("the expression is too long");
      auto right = operations(at + 1);
      if (!right) return right;
      const bool gives_number = at > comparisons;
      node made{.what = node::kind::calculate,
                .gives = gives_number ? value_kinds::number : value_kinds::boolean,
                .is_outside = left->is_outside || right->is_outside,
                .sign = *sign};
      const value_kinds takes = gives_number       ? value_kinds::number
                                : at < comparisons ? value_kinds::boolean
                                                   : value_kinds::any;
      for (const node* each : {&*left, &*right})
        if (!overlap(each->gives, takes))
          return fail(fmt::format(
              "'{}' takes {}, not {}{}", name_of(*sign), in_words(takes), in_words(each->gives),
              takes == value_kinds::number && overlap(each->gives, value_kinds::text) ? " (add '| number')"
                                                                                      : ""));
      made.operands.push_back(std::move(*left));
      made.operands.push_back(std::move(*right));
      left = std::move(made);
    }
    return left;
  }

  maybe operand() {
    if (rest_.starts_with('-') && !(rest_.size() > 1 && rest_[1] >= '0' && rest_[1] <= '9')) {
      take("-");
      auto inner = within([&] { return operand(); });
      if (!inner) return inner;
      node made{.what = node::kind::negate, .gives = value_kinds::number, .is_outside = inner->is_outside};
      made.operands.push_back(std::move(*inner));
      return made;
    }
    return term(true);
  }

  template <class Parse>
  maybe within(Parse parse) {
    if (depth_ >= deepest) return fail(fmt::format("more than {} brackets inside each other", deepest));
    ++depth_;
    auto made = parse();
    --depth_;
    return made;
  }

  maybe term(bool calculates) {
    if (take("(")) {
      skip_spaces();
      auto inner = within([&] {
        auto made = calculates ? operations(0) : pipeline();
        while (made && take(" | ")) made = call(std::move(*made));
        return made;
      });
      if (!inner) return inner;
      skip_spaces();
      return take(")") ? std::move(inner) : fail("a parenthesis is not closed");
    }
    const std::size_t end = rest_.starts_with('\'') ? end_of_quoted(rest_, 0) : 0;
    if (end != 0) {
      const std::string_view text = rest_.substr(1, end - 2);
      rest_.remove_prefix(end);
      return node{
          .what = node::kind::constant, .gives = value_kinds::text, .constant = without_escapes(text)};
    }
    const std::string_view text = name(calculates);
    if (calculates || depth_ > 0)
      if (auto made = literal(text)) return made;
    auto source = parse_reference(text, error_);
    if (!source) return std::nullopt;
    const value_kinds gives = kinds_of(*source);
    const bool is_secret = is_outside(source->source);
    return node{
        .what = node::kind::refer, .gives = gives, .is_outside = is_secret, .source = std::move(*source)};
  }

  /// A number, true, false or null.
  static maybe literal(std::string_view text) {
    const bool is_word = text == "true" || text == "false" || text == "null";
    const bool is_number = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    auto value = is_word || is_number ? protocol::parse_json(text) : std::nullopt;
    if (const auto large = value ? protocol::large_number(text) : std::nullopt) value = *large;
    if (!value || (value->is_number() && !std::isfinite(value->get<double>()))) return std::nullopt;
    return node{.what = node::kind::constant, .gives = kind_of(*value), .constant = *value};
  }

  static value_kinds kinds_of(const reference& source) {
    switch (source.source) {
      case reference_source::env:
      case reference_source::file:
      case reference_source::credential:
      case reference_source::nonce:
        return value_kinds::text;
      case reference_source::counter:
      case reference_source::link_count:
        return value_kinds::number;
      case reference_source::time:
        return source.name.starts_with("unix") ? value_kinds::number : value_kinds::text;
      default:
        return value_kinds::any;
    }
  }

  maybe call(node input) {
    const std::size_t end = std::min({rest_.find('('), rest_.find(" | "), rest_.size(),
                                      depth_ > 0 ? rest_.find_first_of("),") : std::string_view::npos});
    const std::string_view called = rest_.substr(0, end);
    rest_.remove_prefix(end);
    const function_info* function = find_function(called);
    if (function == nullptr) {
      const std::string hint = protocol::suggest_or_list(std::string(called), function_names());
      return fail(
          fmt::format("unknown function '{}' ({})", called,
                      hint.empty() ? fmt::format("known: {}", fmt::join(function_names(), ", ")) : hint));
    }
    node made{.what = node::kind::apply, .gives = function->output, .function = function};
    made.operands.push_back(std::move(input));
    if (take("(") && !arguments(made)) return std::nullopt;
    for (const node& each : made.operands) made.is_outside |= each.is_outside;
    return check(made) ? maybe(std::move(made)) : std::nullopt;
  }

  bool arguments(node& of) {
    skip_spaces();
    if (take(")")) return true;
    for (;;) {
      skip_spaces();
      auto made = within([&] { return pipeline(); });
      if (!made) return false;
      of.operands.push_back(std::move(*made));
      skip_spaces();
      if (take(")")) return true;
      if (!take(","))
        return fail(fmt::format("the parenthesis after '{}' is not closed", of.function->name)), false;
    }
  }

  /// Whether the function can take what it gets, as far as that is known.
  bool check(node& of) {
    const function_info& function = *of.function;
    const std::size_t given = of.operands.size() - 1;
    if (function.arguments.empty() && given > 0)
      return fail(fmt::format("'{}' takes no argument", function.name)), false;
    if (given < function.required || given > function.arguments.size())
      return fail(fmt::format("'{}' cannot have {} argument{}: {}", function.name, given,
                              given == 1 ? "" : "s", function.usage)),
             false;
    std::vector<const ordered_json*> known;
    for (std::size_t i = 0; i <= given; ++i) {
      const node& each = of.operands[i];
      const value_kinds wanted = i == 0 ? function.input : function.arguments[i - 1];
      const bool fits = overlap(each.gives, wanted) ||
                        (overlap(each.gives, value_kinds::bytes) && overlap(wanted, value_kinds::text));
      if (!fits)
        return fail(fmt::format("'{}' takes {}, not {}", function.name, in_words(wanted),
                                in_words(each.gives))),
               false;
      if (i > 0) known.push_back(each.what == node::kind::constant ? &each.constant : nullptr);
    }
    if (function.check != nullptr)
      if (std::string mistake = function.check(known); !mistake.empty())
        return fail(std::move(mistake)), false;
    return function.name != "match" || compile(of);
  }

  bool compile(node& of) {
    const node& pattern = of.operands[1];
    if (pattern.what != node::kind::constant)
      return fail("the pattern of 'match' must be a quoted text"), false;
    of.pattern = text_pattern::parse(pattern.constant.get_ref<const std::string&>(), error_);
    return of.pattern != nullptr;
  }

  static constexpr std::size_t most_operations = 100;
  std::string_view rest_;
  std::string& error_;
  std::size_t depth_ = 0;
  std::size_t operations_ = 0;
};

}  // namespace

std::size_t find_outside_quotes(std::string_view text, std::string_view what) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view before = text.substr(0, at);
    const bool begins_term =
        before.empty() || std::string_view("(,= ").find(before.back()) != std::string_view::npos;
    const std::size_t end = begins_term && text[at] == '\'' ? end_of_quoted(text, at) : 0;
    if (end != 0) at = end;
    if (text.substr(at).starts_with(what)) return at;
  }
  return std::string_view::npos;
}

std::optional<expression> parse_expression(std::string_view text, std::string& error) {
  auto root = parser(text, error).all();
  if (!root) return std::nullopt;
  return expression{std::move(*root), std::string(text)};
}

}  // namespace duplexd::config
