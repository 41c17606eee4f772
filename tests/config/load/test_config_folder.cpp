#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/load/config_folder.hpp"
#include "config/value/regular_file.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using lines = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

class folder {
 public:
  folder() {
    std::string name = (fs::temp_directory_path() / "duplexd-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~folder() { fs::remove_all(path); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }

  /// What loading gives, with names of files as they are in the folder.
  [[nodiscard]] outcome load() const {
    outcome result;
    protocol::diagnostics mistakes;
    protocol::diagnostics warnings;
    result.value = config::load(path.string(), {.warnings = &warnings}, mistakes);
    for (const protocol::diagnostic& each : mistakes)
      result.mistakes.push_back(plain(format(path.string(), each)));
    for (const protocol::diagnostic& each : warnings)
      result.warnings.push_back(plain(format(path.string(), each)));
    return result;
  }

  fs::path path;

 private:
  [[nodiscard]] std::string plain(std::string text) const {
    const std::string before = path.string() + "/";
    for (auto at = text.find(before); at != std::string::npos; at = text.find(before))
      text.erase(at, before.size());
    return text;
  }
};

const std::string session = "{url: 'ws://127.0.0.1:1/', outputs: [stdout]}";

}  // namespace

TEST_CASE("what belongs to a configuration by its name", "[folder]") {
  for (const char* good : {"a.yaml", "b.yml", "c.json", "d.e.yaml"}) CHECK(is_config_name(good));
  for (const char* other :
       {"", ".a.yaml", "a.yaml~", "a.yaml.bak", "a.txt", "yaml", "a.yaml.dpkg-new", "a.YAML"})
    CHECK_FALSE(is_config_name(other));
}

TEST_CASE("a configuration of several files", "[folder]") {
  const folder at;
  at.write("10-common.yaml",
           "version: 1\nx-note: &o {type: file, path: a.jsonl}\noutputs: {kept: *o}\nlog: {level: debug}\n");
  at.write("20-a.yml", "version: 1\nx-note: 2\nsessions:\n  a: " + session +
                           "\ntemplates: {t: {session: {outputs: [kept]}}}\n");
  at.write("30-b.json", R"({"sessions": {"b": {"template": "t", "url": "ws://127.0.0.1:1/"}}})");
  at.write(".hidden.yaml", "{");
  at.write("notes.txt", "{");
  fs::create_directory(at.path / "more.yaml");
  const outcome all = at.load();
  CHECK(all.mistakes == lines{});
  REQUIRE(all.value);
  CHECK(all.value->file == at.path.string());
  REQUIRE(all.value->sessions.size() == 2);
  CHECK(all.value->sessions[0].name == "a");
  CHECK(all.value->sessions[1].name == "b");
  CHECK(all.value->sessions[1].outputs.at(0).to == "kept");
  CHECK(all.value->outputs.at(0).path == (at.path / "a.jsonl").string());  // beside the files
  CHECK(all.value->log.level == log_level::debug);
  CHECK(all.value->sessions[1].file_of(all.value->sessions[1].where) == (at.path / "30-b.json").string());
}

TEST_CASE("a mistake says which of several files it is in", "[folder]") {
  const folder at;
  at.write("a.yaml", "version: 1\nsessions:\n  a: " + session + "\nlog: {level: debug}\n");
  at.write("b.yaml", "version: 1\nsessions:\n  b: {url: 'ws://h/', colour: red}\n  a: " + session +
                         "\nlog: {level: info}\n");
  CHECK(at.load().mistakes == lines{"b.yaml:3:23: sessions.b.colour: unknown field 'colour'",
                                    "b.yaml:4:3: sessions: 'a' is given twice (first at a.yaml:3:3)",
                                    "b.yaml:5:1: 'log' is given twice (first at a.yaml:4:1)"});
}

TEST_CASE("files that do not go together", "[folder]") {
  const folder at;
  at.write("a.yaml", "version: 1\nsessions: {a: " + session + "}\n");
  const auto with = [&](const std::string& text) {
    at.write("b.yaml", text);
    return at.load().mistakes;
  };
  CHECK(with("version: 2\n") == lines{"b.yaml:1:1: 'version' is given twice (first at a.yaml:1:1)"});
  CHECK(with("[a]\n") == lines{"b.yaml:1:1: expected a map, got a list"});
  CHECK(with("sessions: 5\n") == lines{"b.yaml:1:1: 'sessions' is given twice (first at a.yaml:2:1)"});
  CHECK(with("sessions: {a b\n").size() == 1);
  CHECK(with("sessions: {a b\n").at(0).starts_with("b.yaml:"));
  for (const char* good : {"x-only: 1\n", "", "# off\n"}) CHECK(with(good) == lines{});
}

// A template in one file, a session in another: the hint names both.
TEST_CASE("what a session takes over from another file", "[folder]") {
  const folder at;
  at.write("a.yaml",
           "version: 1\ntemplates:\n  t: {session: {headers: {X: \"a\\nb\"}, outputs: [stdout]}}\n");
  at.write("b.yaml", "sessions:\n  s: {template: t, url: 'ws://h/'}\n");
  const lines found = at.load().mistakes;
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("a.yaml:3:"));
  CHECK(found[0].find("used by session 's' at b.yaml:2:3") != std::string::npos);
}

TEST_CASE("a folder that is no configuration", "[folder]") {
  const folder at;
  CHECK(at.load().mistakes.at(0).ends_with("it has no file that ends in .yaml, .yml or .json"));
  CHECK(config_files_in((at.path / "none").string()).error == "No such file or directory");
}

TEST_CASE("how many files a configuration may have, and how large they are together", "[folder]") {
  const folder at;
  at.write("a.yaml", "version: 1\nsessions: {a: " + session + "}\n");
  for (std::size_t i = 1; i < most_config_files; ++i) at.write(fmt::format("f{}.yaml", i), "x-a: 1\n");
  CHECK(at.load().mistakes == lines{});
  at.write("one-more.yaml", "x-a: 1\n");
  CHECK(at.load().mistakes.at(0).ends_with("it has more than 1000 configuration files"));

  const folder other;
  other.write("a.yaml", "version: 1\nsessions: {a: " + session + "}\n");
  const std::size_t left = largest_config_file - fs::file_size(other.path / "a.yaml");
  other.write("b.yaml", "#" + std::string(left - 2, ' ') + "\n");
  CHECK(other.load().mistakes == lines{});
  other.write("b.yaml", "#" + std::string(left - 1, ' ') + "\n");
  CHECK(other.load().mistakes.at(0).starts_with("b.yaml: it and the files before it have more than 16 MiB"));
}

}  // namespace duplexd::config
