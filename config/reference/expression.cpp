#include "config/reference/expression.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/reference/quoted.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

/// Behind the quoted text that begins at `at`: after its last quote something follows that may follow a term,
/// so that a quote may also stand inside. 0: it has no end.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  for (auto quote = text.find('\'', at + 1); quote != std::string_view::npos;
       quote = text.find('\'', quote + 1)) {
    const std::string_view rest = text.substr(quote + 1);
    if (rest.empty() || rest[0] == '}' || rest[0] == ')' || rest.starts_with(" + ") ||
        rest.starts_with(" | "))
      return quote + 1;
  }
  return 0;
}

/// The parts between separators; one, if there is none.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  const auto find = [&] { return find_outside_quotes(text, separator); };
  for (auto end = find(); end != std::string_view::npos; end = find()) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::optional<std::vector<reference>> parse_sum(std::string_view text, std::string& error) {
  std::vector<reference> terms;
  for (const std::string_view part : split(text, " + ")) {
    auto term = parse_reference(part, error);
    if (!term) return std::nullopt;
    terms.push_back(std::move(*term));
  }
  return terms;
}

std::optional<expression::step> parse_step(std::string_view text, std::string& error) {
  const auto bracket = text.find('(');
  const std::string_view name = text.substr(0, bracket);
  const auto which = function_from(name);
  if (!which) {
    const std::string hint = protocol::suggest_or_list(std::string(name), function_names());
    error = fmt::format("unknown function '{}' ({})", name,
                        hint.empty() ? fmt::format("known: {}", fmt::join(function_names(), ", ")) : hint);
    return std::nullopt;
  }
  expression::step step{*which, {}};
  if (bracket != std::string_view::npos) {
    if (!text.ends_with(')')) {
      error = fmt::format("the parenthesis after '{}' is not closed", name);
      return std::nullopt;
    }
    auto key = parse_sum(text.substr(bracket + 1, text.size() - bracket - 2), error);
    if (!key) return std::nullopt;
    step.key = std::move(*key);
  }
  if (takes_key(*which) != !step.key.empty()) {
    error = step.key.empty() ? fmt::format("'{0}' needs a key: {0}(credential:NAME)", name)
                             : fmt::format("'{}' takes no argument", name);
    return std::nullopt;
  }
  return step;
}

resolved<std::string> join(const std::vector<reference>& terms, const std::string& directory, scope* inside) {
  resolved<std::string> text;
  for (const reference& term : terms) {
    const auto value = look_up(term, directory, inside);
    if (!value) return {"", value.error};
    text.value += as_text(value.value);
  }
  return text;
}

resolved<ordered_json> parsed(const std::string& text, const expression& what, std::size_t depth) {
  ordered_json value;
  const auto wrong = protocol::parse_json(text, value, depth);
  if (wrong && wrong->too_deep)
    return {nullptr,
            fmt::format("${{{}}}: nested more than {} deep (limits.json_depth)", what.written, depth)};
  const bool wants_number = what.steps.back().apply == function::number;
  if (wrong || (wants_number && !value.is_number()))
    return {nullptr,
            fmt::format("${{{}}}: the text is not {}", what.written, wants_number ? "a number" : "JSON")};
  return {std::move(value), ""};
}

}  // namespace

std::size_t find_outside_quotes(std::string_view text, std::string_view what) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view before = text.substr(0, at);
    const bool begins_term = before.empty() || before.ends_with('(') || before.ends_with(" + ");
    const std::size_t end = begins_term && text[at] == '\'' ? end_of_quoted(text, at) : 0;
    if (end != 0) at = end;
    if (text.substr(at).starts_with(what)) return at;
  }
  return std::string_view::npos;
}

bool expression::is_outside() const noexcept {
  const auto outside = [](const reference& term) { return config::is_outside(term.source); };
  return std::ranges::any_of(terms, outside) ||
         std::ranges::any_of(steps, [&](const step& each) { return std::ranges::any_of(each.key, outside); });
}

std::vector<reference> expression::references() const {
  std::vector<reference> all = terms;
  for (const step& each : steps) all.insert(all.end(), each.key.begin(), each.key.end());
  return all;
}

std::optional<expression> parse_expression(std::string_view text, std::string& error) {
  expression result;
  result.written = text;
  const auto parts = split(text, " | ");
  auto terms = parse_sum(parts[0], error);
  if (!terms) return std::nullopt;
  result.terms = std::move(*terms);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto step = parse_step(parts[i], error);
    if (!step) return std::nullopt;
    result.steps.push_back(std::move(*step));
  }
  return result;
}

resolved<ordered_json> evaluate(const expression& what, const std::string& directory, scope* inside) {
  if (what.steps.empty() && what.terms.size() == 1) return look_up(what.terms[0], directory, inside);
  auto text = join(what.terms, directory, inside);
  if (!text) return {nullptr, text.error};
  for (const expression::step& step : what.steps) {
    const auto key = join(step.key, directory, inside);
    if (!key) return {nullptr, key.error};
    auto next = apply(step.apply, text.value, key.value);
    if (!next) return {nullptr, fmt::format("${{{}}}: the value cannot be decoded", what.written)};
    text.value = std::move(*next);
  }
  if (what.is_outside() && inside != nullptr) inside->take_secret(text.value, secret_origin::made);
  const bool is_value = !what.steps.empty() && (what.steps.back().apply == function::number ||
                                                what.steps.back().apply == function::json);
  return is_value ? parsed(text.value, what, depth_for(inside))
                  : resolved<ordered_json>{std::move(text.value), ""};
}

std::size_t depth_for(const scope* inside) noexcept {
  return inside != nullptr ? inside->json_depth() : protocol::standard_json_depth;
}

std::string as_text(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace duplexd::config
