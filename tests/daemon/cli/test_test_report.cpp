#include <string>
#include <vector>

#include "daemon/cli/test_report.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

namespace {

using namespace std::chrono_literals;

std::vector<file_result> two_cases() {
  return {{"t.yaml",
           {{"good # one", 3, {}, 1500us}, {"<bad> \"two\"", 9, {"a: expected 1,\ngot 2 & more"}, 0ns}}}};
}

}  // namespace

TEST_CASE("results for people") {
  CHECK(as_text(two_cases()) ==
        "ok     t.yaml:3: good # one\n"
        "FAILED t.yaml:9: <bad> \"two\"\n"
        "    a: expected 1,\\x0agot 2 & more\n"
        "t.yaml: 1 passed, 1 failed\n");
}

TEST_CASE("results as TAP") {
  CHECK(as_tap(two_cases()) ==
        "TAP version 13\n1..2\n"
        "ok 1 - good   one\n"
        "not ok 2 - <bad> \"two\"\n"
        "# t.yaml:9\n# a: expected 1,\\x0agot 2 & more\n");
  CHECK(as_tap({}) == "TAP version 13\n1..0\n");
}

TEST_CASE("results as JUnit's XML") {
  const std::string found = as_junit(two_cases());
  const std::string differs = "a: expected 1,\\x0agot 2 &amp; more";
  CHECK(found ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
        "  <testsuite name=\"t.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">\n"
        "    <testcase classname=\"t.yaml\" name=\"good # one\" file=\"t.yaml\" line=\"3\" "
        "time=\"0.001500\"/>\n"
        "    <testcase classname=\"t.yaml\" name=\"&lt;bad&gt; &quot;two&quot;\" file=\"t.yaml\" line=\"9\" "
        "time=\"0.000000\">\n"
        "      <failure message=\"" +
            differs + "\">t.yaml:9\n" + differs +
            "\n</failure>\n    </testcase>\n"
            "  </testsuite>\n</testsuites>\n");
}

TEST_CASE("at most 20 differences of a case are shown") {
  std::vector<file_result> all{{"t.yaml", {{"n", 1, std::vector<std::string>(20, "d"), 0ns}}}};
  CHECK(as_text(all).find("more") == std::string::npos);
  all[0].cases[0].differences.emplace_back("d");
  CHECK(as_text(all).find("    and 1 more differences\n") != std::string::npos);
}

}  // namespace duplexd::cli
