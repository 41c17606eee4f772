// Random messages that Python's protobuf wrote, and ours that it reads.
#include <cstdlib>

#include "protocol/document/node_json.hpp"
#include "tests/daemon/module/protobuf_harness.hpp"
#include "tests/protocol/peer_rows.hpp"

using namespace duplexd;
using namespace duplexd::test;
using nlohmann::ordered_json;

namespace {

constexpr const char* script = "../daemon/module/protobuf_peer.py";

}  // namespace

TEST_CASE("Python's protobuf writes what we read, and reads what we write", "[protobuf][peer]") {
  const auto types = every_kind();
  const proto_files_of_test folder;
  std::string lines;
  std::size_t bytes = 0;
  const auto rows = protocol::testing::each_peer_row(
      script, "make 7 400", [&](const ordered_json& row, const std::string& line) {
        INFO(line);
        const std::string hex = row["hex"];
        bytes += hex.size() / 2;
        CHECK(protocol::same_json(ordered_json::parse(unpacked(types, hex)), row["json"]));
        lines +=
            ordered_json{{"hex", packed(types, row["json"].dump())}, {"json", row["json"]}}.dump() + "\n";
      });
  CHECK(rows > 300);
  CHECK(bytes > 30'000);
  folder.put("ours", lines);
  const auto different = protocol::testing::each_peer_row(
      script, "read < " + folder.path() + "/ours",
      [](const ordered_json&, const std::string& line) { FAIL_CHECK(line); });
  CHECK(different == 0);
}
