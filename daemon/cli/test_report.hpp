#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace duplexd::cli {

/// What came of one case.
struct case_result {
  std::string name;
  std::uint32_t line = 0;                ///< where it stands in its file
  std::vector<std::string> differences;  ///< empty: it has passed
  std::chrono::nanoseconds took{0};
};

/// What came of one test file.
struct file_result {
  std::string file;
  std::vector<case_result> cases;
};

/// For people: a line for each case, its differences below it, and the counts of each file.
[[nodiscard]] std::string as_text(const std::vector<file_result>& all);

/// The Test Anything Protocol, version 13.
[[nodiscard]] std::string as_tap(const std::vector<file_result>& all);

/// JUnit's XML, as Jenkins, GitLab and GitHub's actions read it.
[[nodiscard]] std::string as_junit(const std::vector<file_result>& all);

}  // namespace duplexd::cli
