// Where sessions connect to, as AsyncAPI says it.
#include "config/asyncapi/export_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "protocol/text/percent_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_entry;

namespace {

/// The first URL, as it is written.
const node* url_of(const node& session) {
  const node* const url = session.find("url");
  if (url == nullptr || url->is_scalar()) return url;
  return url->items.empty() ? nullptr : &url->items.front();
}

/// "${env:NAME:-TEXT}"; anything else in `${…}` has no name.
struct variable {
  std::string name{};
  std::string otherwise{};
};

variable variable_in(std::string_view inside) {
  constexpr std::string_view source = "env:";
  if (!inside.starts_with(source)) return {};
  inside.remove_prefix(source.size());
  const std::size_t sign = std::min(inside.find(":-"), inside.size());
  const std::string_view name = inside.substr(0, sign);
  const auto is_plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || !std::ranges::all_of(name, is_plain)) return {};
  return {std::string(name), std::string(sign < inside.size() ? inside.substr(sign + 2) : "")};
}

/// Where a reference that begins at `from` ends: behind its brace, which quoted texts in it may hold, too.
std::size_t end_of_reference(std::string_view text, std::size_t from) {
  char quote = 0;
  for (std::size_t i = from + 2; i < text.size(); ++i) {
    if (text[i] == quote)
      quote = 0;
    else if (quote == 0 && (text[i] == '\'' || text[i] == '"'))
      quote = text[i];
    else if (quote == 0 && text[i] == '}')
      return i + 1;
  }
  return text.size();
}

/// The parts of a text: what stands there, and references.
void split(std::string_view text, const std::function<void(std::string_view)>& literal,
           const std::function<void(std::string_view inside)>& reference) {
  std::size_t from = 0;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", from)) {
    if (at > from && text[at - 1] == '$') {  // "$${" is "${"
      literal(text.substr(from, at - 1 - from));
      literal("${");
      from = at + 2;
      continue;
    }
    if (at > from) literal(text.substr(from, at - from));
    from = end_of_reference(text, at);
    reference(text.substr(at + 2, from - at - 3));
  }
  if (from < text.size()) literal(text.substr(from));
}

/// A text with `{NAME}` for each reference, which `variables` describes.
std::string filled(std::string_view text, ordered_json& variables, bool& is_known) {
  std::string out;
  split(
      text, [&](std::string_view part) { out += part; },
      [&](std::string_view inside) {
        variable found = variable_in(inside);
        is_known = is_known && !found.name.empty();
        if (found.name.empty()) found.name = fmt::format("value{}", variables.size() + 1);
        out += "{" + found.name + "}";
        variables[found.name] =
            found.otherwise.empty() ? ordered_json::object() : ordered_json{{"default", found.otherwise}};
      });
  return out;
}

/// How much of the text stands in front of the first of these signs that is not in a reference.
std::size_t size_before(std::string_view text, char sign) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == sign) return i;
    if (text.substr(i, 3) == "$${")
      i += 2;
    else if (text.substr(i, 2) == "${")
      i = end_of_reference(text, i) - 1;
  }
  return text.size();
}

ordered_json object_of(ordered_json properties, ordered_json required) {
  ordered_json made{{"type", "object"}};
  if (!required.empty()) made["required"] = std::move(required);
  made["properties"] = std::move(properties);
  return made;
}

/// "name=value" of a query. A value from outside is required, unless it has a default.
void add_parameter(std::string_view text, ordered_json& to, ordered_json& required) {
  const std::size_t sign = size_before(text, '=');
  const std::string name = protocol::percent_decoded(text.substr(0, sign));
  if (name.empty()) return;
  const std::string_view value = sign < text.size() ? text.substr(sign + 1) : "";
  std::string literal;
  std::vector<variable> from;
  split(
      value, [&](std::string_view part) { literal += part; },
      [&](std::string_view inside) { from.push_back(variable_in(inside)); });
  if (from.empty()) {
    to[name] = {{"type", "string"}, {"const", protocol::percent_decoded(literal)}};
  } else if (from.size() == 1 && literal.empty() && !from[0].otherwise.empty()) {
    to[name] = {{"type", "string"}, {"default", from[0].otherwise}};
  } else {
    to[name] = {{"type", "string"}};
    required.push_back(name);
  }
}

}  // namespace

ordered_json server_of(const std::string& name, const node& session, protocol::diagnostics& notes) {
  const node* const url = url_of(session);
  const std::string_view text = url == nullptr ? std::string_view() : url->text;
  const auto note = [&](const char* message) {
    notes.push_back({url->where, fmt::format("sessions.{}.url", name), message, ""});
  };
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {  // ws+unix:SOCKET:/PATH
    if (url != nullptr) note("a server that is not reached by a host is described as localhost");
    return {{"host", "localhost"}, {"protocol", "ws"}};
  }
  if (!url->is_scalar() || &session.find("url")->text != &url->text) note("the other URLs are left out");
  ordered_json variables = ordered_json::object();
  bool is_known = true;
  const std::string whole =
      filled(text.substr(colon + 3, size_before(text.substr(colon + 3), '?')), variables, is_known);
  if (!is_known) note("a reference that is not to the environment has become a variable without a value");
  const std::size_t slash = std::min(whole.find('/'), whole.size());
  ordered_json made{{"host", whole.substr(0, slash)}, {"protocol", text.substr(0, colon)}};
  if (whole.size() > slash + 1) made["pathname"] = whole.substr(slash);
  if (!variables.empty()) made["variables"] = std::move(variables);
  return made;
}

ordered_json binding_of(const node& session) {
  ordered_json made = ordered_json::object();
  const node* const url = url_of(session);
  const std::size_t mark = url == nullptr ? std::string::npos : size_before(url->text, '?');
  ordered_json query = ordered_json::object();
  ordered_json needed = ordered_json::array();
  if (url != nullptr && mark < url->text.size())
    for (std::string_view rest = std::string_view(url->text).substr(mark + 1); !rest.empty();) {
      const std::size_t end = size_before(rest, '&');
      add_parameter(rest.substr(0, end), query, needed);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  if (!query.empty()) made["query"] = object_of(std::move(query), std::move(needed));
  ordered_json headers = ordered_json::object();
  ordered_json names = ordered_json::array();
  if (const node* const given = session.find("headers"))
    for (const node_entry& each : given->entries) {
      headers[each.key] = {{"type", "string"}};
      names.push_back(each.key);
    }
  if (!headers.empty()) made["headers"] = object_of(std::move(headers), std::move(names));
  return made;
}

}  // namespace duplexd::config
