#include "config/load/whole_sessions.hpp"

#include <algorithm>
#include <utility>

#include "config/fields/fields.hpp"
#include "config/load/expansion.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

std::vector<whole_session> whole_sessions(const node& document) {
  protocol::diagnostics ignored;  // of a document that was checked
  reading in{
      .mistakes = ignored, .warnings = ignored, .missing = ignored, .directory = ".", .secrets_absent = true};
  parsed_document parsed;
  read_section(document_fields(), {document, ""}, document.where, &parsed, in);
  const expansion expand(parsed, in);
  const node* const protocols = document.find("protocols");
  std::vector<whole_session> made;
  if (parsed.sessions == nullptr) return made;
  const value_at all{*parsed.sessions, "sessions"};
  for (const node_entry& each : parsed.sessions->entries) {
    node value = expand.expand(each, all.entry(each), in).value;
    const auto protocol = std::ranges::find(value.entries, "protocol", &node_entry::key);
    const bool by_name = protocol != value.entries.end() && protocol->value.kind == node_kind::text;
    const node* const named =
        by_name && protocols != nullptr ? protocols->find(protocol->value.text) : nullptr;
    if (named != nullptr) protocol->value = *named;
    made.push_back({each.key, std::move(value)});
  }
  return made;
}

}  // namespace duplexd::config
