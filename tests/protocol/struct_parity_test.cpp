#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "protocol/node_json.hpp"
#include "protocol/struct_format.hpp"
#include "protocol/text_form.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;
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

// Compares every row that a command prints; returns how many there were.
std::size_t compare_rows(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe);
  std::size_t rows = 0;
  char* line = nullptr;
  std::size_t room = 0;
  while (getline(&line, &room, pipe.get()) > 0) {
    const ordered_json row = ordered_json::parse(line);
    ++rows;
    const ordered_json ours = outcome(row);
    if (same_json(ours, expected(row))) continue;
    UNSCOPED_INFO("row " << line << "ours " << ours.dump());
    CHECK(false);
  }
  free(line);
  return rows;
}

}  // namespace

// Formats, values and bytes made up at random give what this machine's Python gives, refusals included.
TEST_CASE("struct agrees with Python live") {
  if (access("/usr/bin/python3", X_OK) != 0) {
    WARN("no /usr/bin/python3 here: nothing was compared");
    return;
  }
  for (const char* seed : {"1", "2026", "77"})
    CHECK(compare_rows(std::string("/usr/bin/python3 " DUPLEXD_TEST_DIR "/protocol/struct_peer.py ") + seed +
                       " 1500") > 4000);
}

// A file of recorded calls can be compared too: DUPLEXD_STRUCT_ROWS names it.
TEST_CASE("struct agrees with recorded calls") {
  const char* file = std::getenv("DUPLEXD_STRUCT_ROWS");
  if (file != nullptr) CHECK(compare_rows(std::string("cat ") + file) > 0);
}
