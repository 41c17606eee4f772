#include "config/reference/expression.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

/// The parts between separators; one, if there is none.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (auto end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
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
