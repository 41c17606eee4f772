#include <string>

#include "protocol/codec/struct_format.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/peer_rows.hpp"

using namespace duplexd::protocol;
using duplexd::protocol::testing::each_peer_row;
using nlohmann::ordered_json;

namespace {

// What our implementation says to one row of the peer: JSON of the outcome, "error" where it refuses.
ordered_json outcome(const ordered_json& row) {
  std::string error;
  const auto format = struct_format::parse(row["fmt"].get<std::string>(), error);
  if (!format) return "error";
  const auto op = row["op"].get<std::string>();
  if (op == "calcsize") return format->size();
  if (op == "unpack") {
    const auto bytes = parse_hex(row["hex"].get<std::string>());
    std::vector<struct_value> values;
    if (!format->unpack(*bytes, values, error)) return "error";
    return ordered_json::parse(to_json_text(values));
  }
  std::vector<struct_value> values;
  for (const ordered_json& value : row["values"]) values.push_back(*struct_value_from(value));
  std::vector<std::uint8_t> bytes;
  if (!format->pack(values, bytes, error)) return "error";
  std::string digits;
  append_hex(digits, bytes);
  return digits;
}

ordered_json expected(const ordered_json& row) {
  if (row.contains("error")) return "error";
  const auto op = row["op"].get<std::string>();
  return row[op == "calcsize" ? "size" : op == "unpack" ? "values" : "hex"];
}

// Compares every row that the peer prints; returns how many there were.
std::size_t compare_rows(const std::string& arguments) {
  return each_peer_row("struct_peer.py", arguments, [](const ordered_json& row, const std::string& line) {
    const ordered_json ours = outcome(row);
    if (!same_json(ours, expected(row))) FAIL_CHECK("row " << line << "ours " << ours.dump());
  });
}

}  // namespace

// Formats, values and bytes made up at random give what this machine's Python gives, refusals included.
TEST_CASE("struct agrees with Python on random calls") {
  for (const char* seed : {"1", "2026", "77"}) CHECK(compare_rows(std::string(seed) + " 1500") > 4000);
}

// Each code in each byte order and alignment, with values at the ends of its range.
TEST_CASE("struct agrees with Python on every code") {
  CHECK(compare_rows("edges") > 8000);
}
