// docs/functions.md: each line of it is carried out.
#include <fstream>
#include <set>
#include <sstream>

#include "config/reference/functions.hpp"
#include "config/reference/template.hpp"
#include "protocol/text/json_text.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

/// The blocks of a page between fences of a language.
std::vector<std::string> blocks_of(const std::string& language) {
  std::ifstream page(DUPLEXD_SOURCE_DIR "/docs/functions.md");
  std::vector<std::string> blocks;
  bool inside = false;
  bool wanted = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      wanted = inside && line.substr(3) == language;
      if (wanted) blocks.emplace_back();
    } else if (wanted) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

class page_scope final : public scope {
 public:
  page_scope() : variables_(protocol::parse_json(blocks_of("json").at(0)).value()) {}
  [[nodiscard]] const ordered_json* variable(std::string_view name) const override {
    const auto found = variables_.find(std::string(name));
    return found == variables_.end() ? nullptr : &*found;
  }
  [[nodiscard]] const ordered_json* reply() const override { return nullptr; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return {}; }
  [[nodiscard]] std::uint64_t count(std::string_view) override { return 0; }

 private:
  ordered_json variables_;
};

/// The value as JSON, or what `check` or the session says is wrong.
std::string result_of(const std::string& text, scope& inside) {
  std::string error;
  const text_template parsed(text, &error);
  if (error.empty()) {
    const auto value = parsed.resolve_value(&inside);
    if (value) return value.value.dump();
    error = value.error;
  }
  const std::string place = text + ": ";
  return "error: " + (error.starts_with(place) ? error.substr(place.size()) : error);
}

}  // namespace

TEST_CASE("docs/functions.md says what is so", "[functions]") {
  page_scope inside;
  std::size_t examples = 0;
  for (const std::string& block : blocks_of("")) {
    std::istringstream lines(block);
    for (std::string line; std::getline(lines, line); ++examples) {
      INFO(line);
      const auto end = line.find("}  ");
      REQUIRE(end != std::string::npos);
      CHECK(result_of(line.substr(0, end + 1), inside) == line.substr(line.find_first_not_of(' ', end + 1)));
    }
  }
  CHECK(examples > 50);
}

TEST_CASE("docs/functions.md shows every function", "[functions]") {
  std::string all;
  for (const char* language : {"", "yaml"})
    for (const std::string& block : blocks_of(language)) all += block;
  std::ifstream file(DUPLEXD_SOURCE_DIR "/docs/functions.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const std::string& name : function_names()) {
    INFO(name);
    const bool is_listed =
        page.find("`" + name + "`") != std::string::npos || page.find("`" + name + "(") != std::string::npos;
    CHECK(is_listed);
    const bool is_token = name.starts_with("jwt_");  // signed with keys that no page should have
    CHECK((is_token || all.find("| " + name) != std::string::npos));
  }
}

}  // namespace duplexd::config
