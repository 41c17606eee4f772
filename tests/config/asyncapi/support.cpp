#include "tests/config/asyncapi/support.hpp"

#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "config/load/load.hpp"
#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

import_outcome import_document(std::string_view text, const asyncapi_options& options) {
  protocol::diagnostics mistakes;
  protocol::diagnostics notes;
  const auto document = read_document(text, document_format::yaml, mistakes);
  REQUIRE(document);
  import_outcome out;
  out.made = import_asyncapi(*document, options, mistakes, notes);
  for (const auto& each : mistakes) out.mistakes.push_back(format("f", each));
  for (const auto& each : notes) out.notes.push_back(format("f", each));
  CHECK(out.made.has_value() == out.mistakes.empty());
  return out;
}

ordered_json good_import(std::string_view text, const std::vector<std::string>& notes) {
  const import_outcome found = import_document(text);
  REQUIRE(found.made);
  CHECK(found.notes == notes);
  const std::string yaml = yaml_text(*found.made);
  INFO(yaml);
  protocol::diagnostics mistakes;
  const auto document = read_document(yaml, document_format::yaml, mistakes);
  REQUIRE(document);
  CHECK(protocol::to_json(*document) == *found.made);
  const load_options how{.secrets_absent = true, .warnings = nullptr};
  const auto loaded = load_text(yaml, document_format::yaml, "f", how, mistakes);
  for (const auto& each : mistakes) UNSCOPED_INFO(format("made", each));
  CHECK(loaded);
  return *found.made;
}

std::string document_of(const std::string& messages, const std::string& operations) {
  return "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\n"
         "servers: {one: {host: ws.test.com, protocol: wss}}\n"
         "channels: {feed: {address: /feed, messages: " +
         messages + "}}\noperations: " + operations + "\n";
}

}  // namespace duplexd::config::testing
