#include <fstream>
#include <iterator>
#include <string>

#include "config/document/document.hpp"
#include "daemon/module/protobuf/proto_reader.hpp"
#include "protocol/message/protocol.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/tree.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string read_file(const std::string& name) {
  std::ifstream file(name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The text of each ```yaml block, with the line that it starts on.
std::vector<std::pair<std::size_t, std::string>> yaml_blocks(const std::string& page) {
  std::vector<std::pair<std::size_t, std::string>> out;
  const std::string fence = "```yaml\n";
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at + 1)) {
    const std::size_t from = at + fence.size();
    const auto line = static_cast<std::size_t>(
                          std::count(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(from), '\n')) +
                      1;
    out.emplace_back(line, page.substr(from, page.find("```", from) - from));
  }
  return out;
}

// A block is a protocol map, or a single layout with examples, for both directions.
node protocol_of(const node& block) {
  if (const node* whole = block.find("protocol")) return *whole;
  node message = map({});
  node around = map({});
  for (const node_entry& entry : block.entries) {
    const bool inner = entry.key == "layout" || entry.key == "examples" || entry.key == "trailing";
    (inner ? message : around).entries.push_back(entry);
  }
  node reply = message;
  reply.entries.push_back({"as", {1, 1}, text("reply")});
  around.entries.push_back({"commands", {1, 1}, map({{"command", message}})});
  around.entries.push_back({"replies", {1, 1}, list({reply})});
  return around;
}

}  // namespace

// Every example of the page unpacks to its values, and packs to its bytes.
TEST_CASE("docs/layouts.md says what is so") {
  const auto blocks = yaml_blocks(read_file(DUPLEXD_SOURCE_DIR "/docs/layouts.md"));
  CHECK(blocks.size() > 12);
  for (const auto& [line, content] : blocks) {
    INFO("the block at line " << line);
    diagnostics mistakes;
    const auto block =
        duplexd::config::read_document(content, duplexd::config::document_format::yaml, mistakes);
    for (const diagnostic& mistake : mistakes) FAIL_CHECK(mistake.where.line << ": " << mistake.message);
    if (!block || !mistakes.empty()) continue;
    auto types = protocol::compile(protocol_of(*block), "block", mistakes);
    duplexd::proto_reader schemas;
    if (types && !read_schemas(*types, &schemas, DUPLEXD_SOURCE_DIR "/config/examples/cookbook", mistakes))
      types.reset();
    for (const diagnostic& mistake : mistakes)
      FAIL_CHECK(mistake.where.line << ": " << mistake.path << ": " << mistake.message << " (" << mistake.hint
                                    << ")");
    if (!types) continue;
    for (const example_result& result : run_examples(types))
      if (!result.message.empty()) FAIL_CHECK(result.path << ": " << result.message);
  }
}
