#include "protocol/document/node.hpp"

namespace duplexd::protocol {

std::string_view describe(node_kind kind) noexcept {
  switch (kind) {
    case node_kind::null:
      return "nothing";
    case node_kind::boolean:
      return "a boolean";
    case node_kind::integer:
      return "an integer";
    case node_kind::real:
      return "a number";
    case node_kind::text:
      return "a text";
    case node_kind::list:
      return "a list";
    case node_kind::map:
      return "a map";
  }
  return "a value";
}

const node* node::find(std::string_view key) const noexcept {
  for (const node_entry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

}  // namespace duplexd::protocol
