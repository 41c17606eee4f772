// Both readers and all of loading, from any bytes. The first byte chooses the notation. What was read must be
// consistent: a tree within its ceilings, and settings exactly if there are no mistakes.
#include <cstdlib>
#include <string_view>

#include "config/document/tree_builder.hpp"
#include "config/load/load.hpp"

namespace {

using namespace duplexd;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_tree(const protocol::node& value, std::size_t depth) {
  require(depth <= config::depth_ceiling);
  require(value.items.empty() || value.kind == protocol::node_kind::list);
  require(value.entries.empty() || value.kind == protocol::node_kind::map);
  for (const auto& item : value.items) check_tree(item, depth + 1);
  for (const auto& entry : value.entries) check_tree(entry.value, depth + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = data[0] == 'j' ? config::document_format::json : config::document_format::yaml;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  protocol::diagnostics mistakes;
  const auto document = config::read_document(text, format, mistakes);
  require(document.has_value() || !mistakes.empty());
  if (document) check_tree(*document, 0);

  mistakes.clear();
  protocol::diagnostics warnings;
  const config::load_options options{.secrets_absent = true, .warnings = &warnings};
  const auto settings = config::load_text(text, format, "fuzz", options, mistakes);
  require(settings.has_value() == mistakes.empty());
  for (const auto& each : mistakes) require(!config::format("fuzz", each).empty() && !each.message.empty());
  return 0;
}
