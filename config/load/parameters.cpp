#include "config/load/parameters.hpp"

#include <fmt/format.h>

#include "config/fields/field.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_kind;

namespace {

constexpr std::string_view opening = "${param:";

/// Cuts the text into literals and parameters: `literal` and `parameter` are called in turn.
void split(std::string_view text, const std::function<void(std::string_view)>& literal,
           const std::function<void(std::string_view)>& parameter) {
  std::size_t done = 0;
  for (std::size_t at = text.find(opening); at != std::string_view::npos;) {
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) break;
    if (at > 0 && text[at - 1] == '$') {  // "$${": meant literally
      at = text.find(opening, at + 1);
      continue;
    }
    literal(text.substr(done, at - done));
    parameter(text.substr(at + opening.size(), end - at - opening.size()));
    done = end + 1;
    at = text.find(opening, done);
  }
  literal(text.substr(done));
}

node substitute_text(const value_at& body, const arguments& values, reading& in) {
  const std::string& text = body.value.text;
  node result = body.value;
  result.text.clear();
  const auto literal = [&](std::string_view part) { result.text += part; };
  const auto parameter = [&](std::string_view name) {
    const auto found = values.find(name);
    const bool is_whole = text.size() == opening.size() + name.size() + 1;
    if (found == values.end()) {
      result.text += fmt::format("{}{}}}", opening, name);
    } else if (is_whole) {
      result = *found->second;
    } else if (found->second->is_scalar() && found->second->kind != node_kind::null) {
      result.text += found->second->text;
    } else {
      body.complain(in,
                    fmt::format("the parameter '{}' is {} and cannot be part of a text", name,
                                describe(found->second->kind)),
                    "given at " + in.text_of(found->second->where));
    }
  };
  split(text, literal, parameter);
  return result;
}

}  // namespace

void for_each_parameter(std::string_view text, const std::function<void(std::string_view)>& found) {
  split(text, [](std::string_view) {}, found);
}

node substitute(const value_at& body, const arguments& values, reading& in) {
  if (body.value.kind == node_kind::text) return substitute_text(body, values, in);
  node result = body.value;
  for (std::size_t i = 0; i < result.items.size(); ++i)
    result.items[i] = substitute(body.item(i), values, in);
  for (std::size_t i = 0; i < result.entries.size(); ++i)
    result.entries[i].value = substitute(body.entry(body.value.entries[i]), values, in);
  return result;
}

}  // namespace duplexd::config
