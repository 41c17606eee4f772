#include "config/fields/value_parsers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "config/value/http_token.hpp"
#include "config/value/quantity.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view put_in_quotes = "use quotes if this is meant as a text";

bool is_text(const value_at& at, reading& in) {
  if (at.value.kind == node_kind::text) return true;
  at.complain(in, expected("a text", at.value), at.value.is_scalar() ? std::string(put_in_quotes) : "");
  return false;
}

bool is_number(const value_at& at) {
  return at.value.kind == node_kind::integer || at.value.kind == node_kind::real;
}

/// What a shell would replace stands for itself here.
void warn_of_shell_variable(const value_at& at, const text_template& parsed, reading& in) {
  const std::string_view text = at.value.text;
  const bool like_one = text.size() > 2 && text[0] == '$' && !parsed.has_references() &&
                        std::ranges::all_of(text.substr(1), [](char c) {
                          return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                        });
  if (like_one)
    in.warnings.push_back({at.value.where, at.path, fmt::format("{} is sent as it stands", in_quotes(text)),
                           fmt::format("for the environment variable write ${{env:{}}}", text.substr(1))});
}

/// A secret that is there and empty is hardly meant.
void warn_of_empty(const value_at& at, const text_template& parsed, reading& in) {
  for (const reference& each : parsed.references()) {
    if (!is_outside(each.source)) continue;
    const auto value = look_up(each, in.directory, nullptr);
    const auto* text = value ? value.value.get_ptr<const std::string*>() : nullptr;
    if (text != nullptr && text->empty())
      in.warnings.push_back(
          {at.value.where, at.path, fmt::format("the value of {} is empty", written(each)), ""});
  }
}

/// Complains of what a template could not read or, unless secrets are absent, cannot resolve. A value that is
/// only missing now leaves the field usable: what refers to it has no mistake of its own.
bool check_references(const value_at& at, const text_template& parsed, const std::string& error,
                      reading& in) {
  if (!error.empty()) {
    at.complain(in, error);
    return false;
  }
  warn_of_shell_variable(at, parsed, in);
  if (in.secrets_absent) return true;
  std::string why = parsed.check_outside();
  if (why.empty()) {
    warn_of_empty(at, parsed, in);
  } else {
    in.missing.push_back(
        {at.value.where, at.path, std::move(why), "to check without secrets, use --secrets-absent"});
  }
  return true;
}

bool read_literal(const value_at& at, std::string& out, reading& in) {
  std::string error;
  const text_template parsed(at.value.text, &error);
  if (parsed.has_references() && error.empty()) error = "references are not allowed in this field";
  if (!error.empty()) at.complain(in, error, "write '$${' for a literal '${'");
  out = parsed.display();
  return error.empty();
}

/// Calls `check` for each scalar of a JSON value, so that a mistake is told at its own place.
bool check_scalars(const value_at& at, reading& in, bool (*check)(const value_at&, reading&)) {
  bool good = !at.value.is_scalar() || check(at, in);
  for (std::size_t i = 0; i < at.value.items.size(); ++i) good &= check_scalars(at.item(i), in, check);
  for (const protocol::node_entry& entry : at.value.entries)
    good &= check_scalars(at.entry(entry), in, check);
  return good;
}

bool check_number(const value_at& at, reading& in) {
  std::string error;
  static_cast<void>(protocol::to_json(at.value, {}, &error));
  if (!error.empty()) at.complain(in, error);
  return error.empty();
}

/// Texts may have references.
bool check_template(const value_at& at, reading& in) {
  text_template ignored;
  return at.value.kind == node_kind::text ? value_parser<text_template>::read(at, ignored, in)
                                          : check_number(at, in);
}

template <class T>
bool read_whole(const value_at& at, T& out, reading& in) {
  if (at.value.kind != node_kind::integer) {
    at.complain(in, expected("an integer", at.value));
    return false;
  }
  constexpr T most = std::numeric_limits<T>::max();
  const auto value = protocol::to_integer(at.value.text);
  if (!value || *value < 0 || *value > most) {
    at.complain(in, fmt::format("{} is out of range", in_quotes(at.value.text)),
                fmt::format("allowed: 0 to {}", most));
    return false;
  }
  out = static_cast<T>(*value);
  return true;
}

/// Texts may not have references.
bool check_literal(const value_at& at, reading& in) {
  std::string ignored;
  return at.value.kind == node_kind::text ? read_literal(at, ignored, in) : check_number(at, in);
}

}  // namespace

void complain_of_choice(const value_at& at, const std::vector<std::string>& names, reading& in) {
  if (at.value.kind != node_kind::text)
    at.complain(in, expected("a text", at.value), fmt::format("known: {}", fmt::join(names, ", ")));
  else
    at.complain(in, fmt::format("{} is not a known value", in_quotes(at.value.text)),
                protocol::suggest_or_list(at.value.text, names));
}

void check_range(const field& self, const value_at& at, double value, reading& in) {
  const bool low = self.minimum && value < *self.minimum;
  const bool high = self.maximum && value > *self.maximum;
  if (low || high)
    at.complain(in, fmt::format("{} is too {}", at.value.text, low ? "small" : "large"),
                fmt::format("allowed: {}", self.range_text));
}

value_type value_parser<bool>::type() {
  return {"boolean", {{"type", "boolean"}}};
}

bool value_parser<bool>::read(const value_at& at, bool& out, reading& in) {
  if (at.value.kind == node_kind::boolean) {
    out = protocol::to_boolean(at.value.text);
    return true;
  }
  const bool meant = at.value.kind == node_kind::text;
  at.complain(in, expected("true or false", at.value),
              meant ? "write true or false, without quotes; in YAML 1.2 yes and on are texts" : "");
  return false;
}

value_type value_parser<std::uint16_t>::type() {
  return {"integer", {{"type", "integer"}}};
}

bool value_parser<std::uint16_t>::read(const value_at& at, std::uint16_t& out, reading& in) {
  return read_whole(at, out, in);
}

bool value_parser<std::uint32_t>::read(const value_at& at, std::uint32_t& out, reading& in) {
  return read_whole(at, out, in);
}

value_type value_parser<double>::type() {
  return {"number", {{"type", "number"}}};
}

bool value_parser<double>::read(const value_at& at, double& out, reading& in) {
  const auto value = is_number(at) ? protocol::to_number(at.value.text) : std::nullopt;
  if (!value) at.complain(in, expected("a number", at.value));
  out = value.value_or(0);
  return value.has_value();
}

value_type value_parser<milliseconds>::type() {
  ordered_json text{{"type", "string"}, {"pattern", std::string(duration_pattern)}};
  return {"duration", {{"anyOf", {std::move(text), {{"const", 0}}}}}};
}

ordered_json value_parser<milliseconds>::show(milliseconds value) {
  return show_duration(value);
}

bool value_parser<milliseconds>::read(const value_at& at, milliseconds& out, reading& in) {
  if (!at.value.is_scalar()) {
    at.complain(in, expected("a duration", at.value), "such as 500ms, 5s, 1m30s or 2h");
    return false;
  }
  const auto value = parse_duration(at.value.text);
  if (!value)
    at.complain(in, fmt::format("{} is not a duration", in_quotes(at.value.text)),
                is_number(at) ? "add the unit: ms, s, m or h" : "such as 500ms, 5s, 1m30s or 2h");
  out = value.value_or(milliseconds{0});
  return value.has_value();
}

value_type size_parser::type() {
  ordered_json text{{"type", "string"}, {"pattern", std::string(size_pattern)}};
  return {"size", {{"anyOf", {std::move(text), {{"type", "integer"}, {"minimum", 0}}}}}};
}

ordered_json size_parser::show(std::uint64_t value) {
  return show_size(value);
}

bool size_parser::read(const value_at& at, std::uint64_t& out, reading& in) {
  const auto value = at.value.is_scalar() ? parse_size(at.value.text) : std::nullopt;
  if (!value)
    at.complain(in,
                at.value.is_scalar() ? fmt::format("{} is not a size", in_quotes(at.value.text))
                                     : expected("a size", at.value),
                "such as 65536, 64KB, 16MiB");
  out = value.value_or(0);
  return value.has_value();
}

value_type value_parser<std::string>::type() {
  return {"text", {{"type", "string"}}};
}

ordered_json value_parser<std::string>::show(const std::string& value) {
  return value.empty() ? ordered_json() : ordered_json(value);
}

bool value_parser<std::string>::read(const value_at& at, std::string& out, reading& in) {
  return is_text(at, in) && read_literal(at, out, in);
}

value_type value_parser<text_template>::type() {
  return {"text with references", {{"type", "string"}}};
}

bool value_parser<text_template>::read(const value_at& at, text_template& out, reading& in) {
  if (!is_text(at, in)) return false;
  std::string error;
  out = text_template(at.value.text, &error, in.directory);
  return check_references(at, out, error, in);
}

bool token_parser::read(const value_at& at, std::string& out, reading& in) {
  if (!value_parser<std::string>::read(at, out, in)) return false;
  if (is_http_token(out)) return true;
  at.complain(in, in_quotes(out) + " is not a valid token",
              "use letters, digits and !#$%&'*+-.^_`|~, no spaces");
  return false;
}

value_type path_parser::type() {
  return {"path with references", {{"type", "string"}}};
}

bool path_parser::read(const value_at& at, text_template& out, reading& in) {
  if (!is_text(at, in)) return false;
  std::string error;
  out = text_template::of_path(at.value.text, &error, in.directory);
  if (error.empty() && out.empty()) error = "a path cannot be empty";
  return check_references(at, out, error, in);
}

bool read_checked(const value_at& at, text_template& out, reading& in, const text_check& check) {
  if (!value_parser<text_template>::read(at, out, in)) return false;
  const bool is_open = in.secrets_absent || out.has_inside();  // not all of its values are known now
  const bool starts_with_reference = out.has_references() && out.display().starts_with("${");
  if (is_open && starts_with_reference) return true;  // there is nothing to look at
  const auto value = is_open ? resolved<std::string>{out.with_placeholder("1"), ""} : out.resolve();
  if (!value) return true;
  std::string error;
  check(value.value, error);
  if (error.empty()) return true;
  at.complain(in, std::move(error), out.has_references() ? "after replacing its references" : "");
  return false;
}

value_type value_parser<json_template>::type() {
  return {"any value with references", ordered_json::object()};
}

bool value_parser<json_template>::read(const value_at& at, json_template& out, reading& in) {
  if (!check_scalars(at, in, check_template)) return false;
  out = json_template(at.value, nullptr, in.directory);
  return true;
}

value_type value_parser<ordered_json>::type() {
  return {"any value", ordered_json::object()};
}

bool value_parser<ordered_json>::read(const value_at& at, ordered_json& out, reading& in) {
  if (!check_scalars(at, in, check_literal)) return false;
  const auto literal = [](const std::string& text, const protocol::json_pointer& /*where*/) {
    return ordered_json(text_template(text).display());
  };
  out = protocol::to_json(at.value, literal);
  return true;
}

}  // namespace duplexd::config
