// Texts that hold pairs of a key and a value.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/layout/layout_compiler.hpp"

namespace duplexd::protocol {

// {type: str, pairs: {separator: '&', equals: '=', escape: percent, closed: true}}
void layout_compiler::pairs(const node& from) {
  if (from.kind != node_kind::map) {
    fail(from, 0, "'pairs' is a map", "{separator: '&', equals: '=', escape: percent}");
    return;
  }
  if (!known_keys(from, {"separator", "equals", "escape", "closed"})) return;
  instruction& in = to_->code.back();
  const bool text = (in.code == op::blob || in.code == op::until) && in.what == content::text && !in.text &&
                    !in.replaces && !in.its<names_rule>();
  if (!text) {
    fail(from, 0, "'pairs' are in a str without a constant size and value", "such as {type: str, pairs: …}");
    return;
  }
  pairs_rule rule;
  if (!read_mark(from, "separator", rule.separator) || !read_mark(from, "equals", rule.equals)) return;
  if (rule.separator.starts_with(rule.equals) || rule.equals.starts_with(rule.separator)) {
    fail(from, 0, "'separator' and 'equals' cannot be told apart", "neither may begin with the other");
    return;
  }
  if (const node* closed = from.find("closed")) {
    if (closed->kind != node_kind::boolean) fail(*closed, 0, "expected true or false");
    rule.closed = closed->text == "true";
  }
  if (const node* escape = from.find("escape"); escape != nullptr && !read_escapes(*escape, rule)) return;
  in.what = content::pairs;
  in.rule = to_->pairs.add(std::move(rule));
}

// A text of a few bytes under that key.
bool layout_compiler::read_mark(const node& from, const char* key, std::string& out) {
  constexpr std::size_t longest = 16;
  const node* given = from.find(key);
  if (is_nothing(given))
    return fail(from, 0, fmt::format("'{}' is missing", key), "{separator: '&', equals: '='}");
  if (!given->is_scalar() || given->text.empty() || given->text.size() > longest)
    return fail(*given, 0, fmt::format("'{}' is a text of 1 to {} bytes", key, longest));
  out = given->text;
  return true;
}

// percent, or {'@A': '@', '@S': '/'}: what is in the text, and what it stands for.
bool layout_compiler::read_escapes(const node& from, pairs_rule& rule) {
  constexpr std::size_t most = 64;
  constexpr std::size_t longest = 16;
  if (from.kind == node_kind::text && from.text == "percent") {
    rule.percent = true;
    return rule.separator.front() != '%' && rule.equals.front() != '%'
               ? true
               : fail(from, 0, "'%' is an escape, so 'separator' and 'equals' cannot begin with it");
  }
  if (from.kind != node_kind::map || from.entries.empty() || from.entries.size() > most)
    return fail(from, 0, fmt::format("expected percent, or a map of 1 to {} escapes", most),
                "what is in the text, and what it stands for: {'@A': '@', '@S': '/'}");
  for (const node_entry& entry : from.entries) {
    node place;
    place.where = entry.where;
    const std::string& meaning = entry.value.text;
    const auto fits = [](const std::string& text) { return !text.empty() && text.size() <= longest; };
    if (!fits(entry.key) || !entry.value.is_scalar() || !fits(meaning))
      return fail(place, 0,
                  fmt::format("an escape and what it stands for are texts of 1 to {} bytes", longest));
    for (const auto& [escape, known] : rule.escapes) {
      if (escape.starts_with(entry.key) || entry.key.starts_with(escape))
        return fail(place, 0, fmt::format("'{}' and '{}' cannot be told apart", escape, entry.key));
      if (known == meaning)
        return fail(place, 0, fmt::format("'{}' has an escape already, '{}'", meaning, escape));
    }
    rule.escapes.emplace_back(entry.key, meaning);
  }
  return true;
}

}  // namespace duplexd::protocol
