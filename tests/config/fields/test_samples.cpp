// The blocks of the reference page, tried as they stand there.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"
#include "tests/config/sections.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

using nlohmann::ordered_json;

namespace {

struct sample_block {
  std::string section;  ///< empty: a whole document
  std::string text;
};

/// The YAML blocks of docs/configuration.md with the sections that they stand in.
std::vector<sample_block> blocks_of_page() {
  std::ifstream page(DUPLEXD_SOURCE_DIR "/docs/configuration.md");
  REQUIRE(page.is_open());
  std::vector<sample_block> blocks;
  std::string section;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) section = line.find(' ', 3) == std::string::npos ? line.substr(3) : "";
    if (inside && line != "```") blocks.back().text += line + "\n";
    if (line == "```yaml") blocks.push_back({section, ""});
    inside = line == "```yaml" || (inside && line != "```");
  }
  return blocks;
}

ordered_json json_of(const std::string& text) {
  protocol::diagnostics mistakes;
  const auto read = read_document(text, document_format::yaml, mistakes);
  REQUIRE(read.has_value());
  return protocol::to_json(*read);
}

bool has_alternatives(const std::string& id) {
  bool has = false;
  for_each_section([&](const section& each) { has = has || (each.id == id && !each.exactly_one.empty()); });
  return has;
}

}  // namespace

TEST_CASE("each block of the reference page passes the check", "[samples]") {
  const std::vector<sample_block> blocks = blocks_of_page();
  CHECK(blocks.size() >= 40);
  for (const sample_block& each : blocks) {
    INFO(each.section << "\n" << each.text);
    std::string document = each.text;
    if (!each.section.empty())
      document = has_alternatives(each.section) ? document_with_only(each.section, json_of(each.text))
                                                : document_with(each.section, json_of(each.text));
    const std::vector<std::string> none;
    CHECK(load_document(document, "f", true).mistakes == none);
  }
}

// What is written as a default says the same as nothing.
TEST_CASE("each documented default is accepted where it stands", "[samples]") {
  for_each_section([](const section& each) {
    for (const field& one : each.fields) {
      const bool is_one_of = std::ranges::find(each.exactly_one, one.name) != each.exactly_one.end();
      if (one.fallback.is_null() || !one.beside.empty() || is_one_of) continue;
      INFO(each.id << "." << one.name);
      const ordered_json fields{{one.name, one.fallback}};
      const std::vector<std::string> none;
      CHECK(load_document(document_with(each.id, fields), "f.json", true).mistakes == none);
    }
  });
}

}  // namespace duplexd::config::testing
