// Messages of another notation within a layout: payload:feed, where feed is {protobuf: FILE, message: NAME}.
#include <fmt/format.h>

#include "protocol/layout/layout_compiler.hpp"

namespace duplexd::protocol {

bool layout_compiler::is_message(const node& from) {
  return from.kind == node_kind::map && from.find("protobuf") != nullptr;
}

// Its bytes say nothing about their end: they are the rest, or have a size.
void layout_compiler::message(const token& t, const node& from, const node& layout, char order, name_id name,
                              bool hidden) {
  if (t.value != token::value_kind::absent || t.has_scale() || !t.unit.text.empty()) {
    fail(from, t.at, fmt::format("the layout '{}' cannot have a value, scale or unit", t.type.text));
    return;
  }
  if (t.size.what == extent_notation::kind::until) {
    fail(from, t.size.text.at, "Protocol Buffers may hold any byte, so a text cannot end them",
         "give them a size");
    return;
  }
  const extent_id size = size_extent(t.size, from, order, name);
  if (size) message_of(layout, size, name, hidden);
}

void layout_compiler::message_of(const node& layout, extent_id size, name_id name, bool hidden) {
  const embedded_message known = env_.embedded ? env_.embedded(layout, path_) : nullptr;
  if (known == nullptr) {
    fail(layout, 0, "Protocol Buffers are not read here");
    return;
  }
  if (hidden) {
    fail(layout, 0, "a layout cannot be hidden as a whole", "hide its fields, or use bytes");
    return;
  }
  const std::int32_t whole = open_nullable(size, name, hidden);
  const std::int32_t at = here();
  const bool takes_rest = to_->extents[size].what == extent::kind::rest;
  instruction& in = emit(op::blob);
  in.what = content::message;
  in.size = size;
  in.name = name;
  in.rule = to_->messages.add(known);
  if (whole >= 0) close(whole);
  if (name) remember(name, at, false);
  if (takes_rest) filled_by_ = name ? to_->names[name].text : "the message";
}

}  // namespace duplexd::protocol
