// contents: {payload.data: {decode: base64, type: tick}}: what the texts of a message hold.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/message/carried_text.hpp"
#include "protocol/message/protocol_compiler.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {
namespace {

/// Empty parts stay: they are a mistake.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace

void protocol_compiler::contents(const node& from, message_type& type) {
  const step in(*this, "contents");
  if (type.body == message_type::body_kind::layout) {
    fail(from, "'contents' is for texts in JSON and in Protocol Buffers",
         "in a layout the type says it: data: {decode: base64, type: …}");
    return;
  }
  if (!is_map(from, "a map")) return;
  type.contents_where = {from.where, path_, "", ""};
  const value_shape shape = shape_of(type);
  layout_environment inner = env_;
  inner.framing.reset();  // of whole messages
  for (const node_entry& entry : from.entries) {
    const step at(*this, entry.key);
    text_content made;
    made.path = parts_of(entry.key);
    if (std::ranges::find(made.path, "") != made.path.end()) {
      fail_key(entry, fmt::format("'{}' is not a path", entry.key),
               "names with dots between them: payload.data");
      continue;
    }
    if (const auto lost = find_lost(shape, entry.key); lost && !type.schema)
      fail_key(entry, fmt::format("the message has no field '{}'", lost->part),
               suggest_or_list(lost->part, lost->known));
    node layout;
    layout.kind = node_kind::map;
    layout.where = entry.value.where;
    layout.entries.push_back({content_field, entry.value.where, entry.value});
    node items;
    items.kind = node_kind::list;
    items.where = entry.value.where;
    items.items.push_back(std::move(layout));
    layout_compiler compiler(inner, out_);
    if (!compiler.compile(items, path_, trailing::refuse, made.layout))
      ++mistakes_;
    else if (asks_to_carry(made.layout))
      fail(entry.value, "'invalid: carry' cannot be in the text of a message, which is whole");
    type.contents.push_back(std::move(made));
  }
}

}  // namespace duplexd::protocol
