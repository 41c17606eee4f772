// Messages whose layout is a schema of another notation: {protobuf: feed.proto, message: Feed}.
#include <algorithm>
#include <utility>

#include "protocol/message/protocol_compiler.hpp"

namespace duplexd::protocol {
namespace {

/// Whether they say the same, wherever they stand.
bool same_content(const node& a, const node& b) {
  const auto same_entry = [](const node_entry& x, const node_entry& y) {
    return x.key == y.key && same_content(x.value, y.value);
  };
  return a.kind == b.kind && a.text == b.text &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_content) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(), same_entry);
}

}  // namespace

// A map, or the name of one.
const node* protocol_compiler::schema_of(const node* layout) const {
  if (layout != nullptr && layout->kind == node_kind::text && env_.layouts != nullptr)
    if (const node* named = env_.layouts->find(layout->text)) layout = named;
  const bool is_schema = layout != nullptr && layout->kind == node_kind::map && layout->find("protobuf");
  return is_schema ? layout : nullptr;
}

// One for all messages that have the same layout: what a condition found out about a frame holds for all.
std::shared_ptr<schema_layout> protocol_compiler::schema_as(const node& layout, const std::string& path) {
  for (const auto& each : to_->schemas)
    if (same_content(each->layout, layout)) return each;
  const auto made = std::make_shared<schema_layout>();
  made->layout = layout;
  made->path = path;
  made->limits = env_.limits;
  return to_->schemas.emplace_back(made);
}

void protocol_compiler::schema_body(const node& message, const node& layout, message_type& type) {
  type.body = message_type::body_kind::schema;
  type.layout.framing = env_.framing;
  if (const node* given = message.find("trailing"))
    fail(*given, "'trailing' does not go with Protocol Buffers: a message of theirs has no end of its own");
  if (type.frame == frame_kind::text)
    fail(layout, "Protocol Buffers are bytes, and this message is a text frame", "frame: binary");
  if (env_.framing && env_.framing->delimiter.empty() && !env_.framing->strip)
    fail(layout, "framing wants a length inside of the message, and Protocol Buffers have none",
         "let framing add and remove it: strip: true");
  if (env_.framing && !env_.framing->delimiter.empty())
    fail(layout, "Protocol Buffers may hold any byte, so a delimiter cannot end them");
  type.schema = schema_as(layout, path_ + ".layout");
  const node* when = message.find("when");
  const node* fields = when != nullptr ? when->find("protobuf") : nullptr;
  if (fields == nullptr) return;
  type.schema_when = {fields->where, path_ + ".when.protobuf", "", ""};
  for (condition& c : type.when)
    if (c.what == condition::kind::json) c.schema = type.schema.get();
}

}  // namespace duplexd::protocol
