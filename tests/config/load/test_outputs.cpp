// Where events go, as the configuration says it.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using lines = std::vector<std::string>;

std::string file_with(const std::string& outputs, const std::string& routes) {
  return "outputs: " + outputs + "\nsessions: {s: {url: 'wss://h', outputs: " + routes +
         ", protocol: {replies: [{as: tick, layout: 'a:i'}]}}}\n";
}

lines mistakes_of(const std::string& outputs, const std::string& routes) {
  return load_document(file_with(outputs, routes), "f.yaml").mistakes;
}

}  // namespace

TEST_CASE("each value of an output arrives in its own place", "[outputs]") {
  const settings all = load_good(
      file_with(
          "{f: {type: file, path: /x/f.csv, format: csv, columns: [time, a], queue: 70000, overflow: "
          "drop_oldest, rotate: {size: 1, age: 2ms}, keep: {files: 3, size: 4, age: 5ms}, compress: zstd, "
          "sync: true}, d: {type: sqlite, path: /x/d.db, indexes: {tick: [a]}, overflow: drop_newest}}",
          "[f, d, {to: f, replies: [tick], where: {a: 1}, format: ndjson}, {to: stdout, format: csv, "
          "columns: [a]}]"),
      "f.yaml");
  REQUIRE(all.outputs.size() == 2);
  const output_settings& file = all.outputs[0];
  CHECK(file.name == "f");
  CHECK(file.type == output_type::file);
  CHECK(file.path == "/x/f.csv");
  CHECK(file.record.form == record_form::csv);
  CHECK(file.record.columns == lines{"time", "a"});
  CHECK(file.queue == 70'000);
  CHECK(file.overflow == overflow_policy::drop_oldest);
  CHECK(file.rotate.size == 1);
  CHECK(file.rotate.age.count() == 2);
  CHECK(file.keep.files == 3);
  CHECK(file.keep.size == 4);
  CHECK(file.keep.age.count() == 5);
  CHECK(file.compress == file_compression::zstd);
  CHECK(file.sync);
  const output_settings& database = all.outputs[1];
  CHECK(database.type == output_type::sqlite);
  CHECK(database.indexes.at("tick") == lines{"a"});
  CHECK(database.overflow == overflow_policy::drop_newest);
  CHECK(database.queue == 16u << 20);
  const auto& routes = all.sessions.at(0).outputs;
  REQUIRE(routes.size() == 4);
  CHECK(routes[0].to == "f");
  CHECK(routes[0].record.form == record_form::csv);
  CHECK(routes[0].record.columns == lines{"time", "a"});
  CHECK(routes[1].record.form == record_form::json);
  CHECK(routes[2].replies == lines{"tick"});
  CHECK(routes[2].where == nlohmann::ordered_json{{"a", 1}});
  CHECK(routes[2].record.form == record_form::ndjson);
  CHECK(routes[3].record.columns == lines{"a"});
}

TEST_CASE("an output's relative path starts from the configuration's directory", "[outputs]") {
  const settings all =
      load_good(file_with("{f: {type: file, path: 'a/../b-%F'}}", "[f]"), "/etc/duplexd/f.yaml");
  CHECK(all.outputs.at(0).path == "/etc/duplexd/b-%F");
}

// With their places: what would do nothing is refused.
TEST_CASE("mistakes about outputs are told", "[outputs]") {
  const auto first = [](const std::string& outputs, const std::string& routes = "[stdout]") {
    const lines all = mistakes_of(outputs, routes);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(first("{}", "[fil]") == "f:2:42: sessions.s.outputs[0]: there is no output 'fil' (known: stdout)");
  CHECK(first("{file: {type: file, path: f}}", "[fil]") ==
        "f:2:42: sessions.s.outputs[0]: there is no output 'fil' (did you mean 'file'?)");
  CHECK(first("{f: {path: f}}") == "f:1:14: outputs.f: the field 'type' is missing");
  CHECK(first("{f: {type: file}}") ==
        "f:1:14: outputs.f: an output of type file needs a path (add path: FILE)");
  CHECK(first("{f: {type: sqlite, path: f, compress: gzip}}") ==
        "f:1:48: outputs.f.compress: an output of type sqlite has no 'compress'");
  CHECK(first("{f: {type: sqlite, path: f, format: json}}") ==
        "f:1:46: outputs.f.format: an output of type sqlite has no 'format'");
  CHECK(first("{f: {type: file, path: f, format: csv}}") ==
        "f:1:14: outputs.f: csv needs its columns (add columns: [time, FIELD])");
  CHECK(first("{f: {type: file, path: f, columns: [a]}}") ==
        "f:1:14: outputs.f: columns are only allowed with format: csv");
  CHECK(first("{f: {type: file, path: 'f-%y'}}") ==
        "f:1:34: outputs.f.path: '%y' is not a part of the time: use %Y %m %d %H %M %S %F, or %% for a "
        "percent "
        "sign");
  CHECK(first("{f: {type: file, path: 'f-${name}'}}") ==
        "f:1:34: outputs.f.path: '${name}' is neither ${session} nor ${reply}");
  CHECK(first("{f: {type: stdout}}") ==
        "f:1:11: outputs.f: the output of type stdout is called stdout, and no other is");
  CHECK(first("{stdout: {type: file, path: f}}") ==
        "f:1:11: outputs.stdout: the output of type stdout is called stdout, and no other is");
  CHECK(first("{'a b': {type: file, path: f}}") ==
        "f:1:12: outputs.a b: 'a b' is not a valid name for an output (use letters, digits, '_', '.' "
        "and '-')");
  CHECK(first("{}", "[{to: stdout, replies: [tock]}]").find("'tock'") != std::string::npos);
  CHECK(first("{}", "[{to: stdout, where: {a: 1}}]").find("replies") != std::string::npos);
  CHECK(first("{}", "[{to: stdout, replies: tick, where: {a: {$min: x}}}]").find("sessions.s.outputs[0]") !=
        std::string::npos);
  CHECK(first("{}", "[{to: stdout, format: csv}]") ==
        "f:2:42: sessions.s.outputs[0]: csv needs its columns (add columns: [time, FIELD])");
  CHECK(first("{}", "[5]") ==
        "f:2:42: sessions.s.outputs[0]: expected the name of an output, or a map, found an integer "
        "({to: NAME, "
        "replies: [REPLY]})");
}

}  // namespace duplexd::config::testing
