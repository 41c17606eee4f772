#include "config/load/protocol_library.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields/field.hpp"
#include "config/fields/fields.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

/// Equal in content and place: the same text of the file, with the same arguments in it.
bool same(const node& a, const node& b) {
  const auto same_entry = [](const node_entry& x, const node_entry& y) {
    return x.key == y.key && same(x.value, y.value);
  };
  return a.kind == b.kind && a.where == b.where && a.text == b.text &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(), same_entry);
}

}  // namespace

protocol_library::protocol_library(const node* named, protocol::schema_reader* schemas, reading& in)
    : schemas_(schemas) {
  if (named == nullptr) return;
  const value_at all{*named, "protocols"};
  if (named->kind != node_kind::map) {
    all.complain(in, expected("a map of protocols", *named));
    return;
  }
  for (const node_entry& entry : named->entries) {
    if (!is_name(entry.key))
      in.mistakes.push_back({entry.where, "protocols",
                             fmt::format("{} is not a valid name for a protocol", in_quotes(entry.key)),
                             "use letters, digits, '_', '.' and '-'"});
    named_[entry.key] = compile(entry.value, all.entry(entry).path, in);
  }
}

protocol_library::compiled protocol_library::compile(const node& definition, const std::string& path,
                                                     reading& in) {
  if (definition.kind == node_kind::map) {
    compiled made = protocol::protocol::compile(definition, path, in.mistakes);
    const bool good = made && protocol::read_schemas(*made, schemas_, in.directory, in.mistakes);
    return good ? made : nullptr;
  }
  in.mistakes.push_back(
      {definition.where, path, expected("a map with commands and replies", definition), ""});
  return nullptr;
}

protocol_library::compiled protocol_library::find(const node* source, const std::string& path, reading& in) {
  node nothing;
  nothing.kind = node_kind::map;
  if (source == nullptr) source = &nothing;
  if (source->kind == node_kind::text) {
    const auto found = named_.find(source->text);
    if (found != named_.end()) return found->second;
    std::vector<std::string> known;
    known.reserve(named_.size());
    for (const auto& [name, value] : named_) known.push_back(name);
    in.mistakes.push_back({source->where, path,
                           fmt::format("there is no protocol {}", in_quotes(source->text)),
                           protocol::suggest_or_list(source->text, known)});
    return nullptr;
  }
  for (const auto& [definition, value] : inline_)
    if (same(definition, *source)) return value;
  inline_.emplace_back(*source, compile(*source, path, in));
  return inline_.back().second;
}

}  // namespace duplexd::config
