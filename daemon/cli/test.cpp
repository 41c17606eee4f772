#include "daemon/cli/test.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/load/load.hpp"
#include "config/value/regular_file.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/cli/codec_source.hpp"
#include "daemon/cli/test_file.hpp"
#include "daemon/cli/test_report.hpp"
#include "daemon/cli/test_run.hpp"

namespace duplexd::cli {

namespace {

struct test_options {
  std::vector<std::string> files;
  std::string junit;
  bool as_tap = false;
};

/// The results of one file; nothing after a mistake, which was printed, and `exit_code` says which kind.
std::optional<file_result> run_file(const std::string& name, int& exit_code) {
  const auto text = config::read_regular_file(name, config::largest_config_file);
  if (!text) {
    std::fprintf(stderr, "%s: the file cannot be read: %s\n", name.c_str(), text.error.c_str());
    exit_code = exit_config;
    return std::nullopt;
  }
  protocol::diagnostics mistakes;
  const auto read = read_test_file(text.value, mistakes);
  for (const protocol::diagnostic& each : mistakes)
    std::fprintf(stderr, "%s\n", config::format(name, each).c_str());
  if (!read) exit_code = exit_config;
  if (!read) return std::nullopt;
  const std::filesystem::path directory = std::filesystem::path(name).parent_path();
  codec_source source;
  source.file = (directory / read->config).string();
  const session_protocols protocols = open_codecs(source, exit_code);
  if (protocols.empty()) return std::nullopt;
  file_result result{name, {}};
  for (const test_case& each : read->cases) {
    const auto begun = std::chrono::steady_clock::now();
    std::vector<std::string> differences = run_case(each, protocols, directory.string());
    result.cases.push_back(
        {each.name, each.where.line, std::move(differences), std::chrono::steady_clock::now() - begun});
  }
  return result;
}

bool has_failed(const file_result& file) {
  return std::ranges::any_of(file.cases, [](const case_result& each) { return !each.differences.empty(); });
}

int test(const test_options& given) {
  int exit_code = exit_success;
  std::vector<file_result> all;
  for (const std::string& file : given.files)
    if (auto result = run_file(file, exit_code)) all.push_back(std::move(*result));
  if (exit_code == exit_success && std::ranges::any_of(all, has_failed)) exit_code = exit_case_failed;
  if (!given.junit.empty()) {
    std::ofstream file(given.junit);
    file << as_junit(all);
    file.flush();
    if (!file) std::fprintf(stderr, "%s: the report cannot be written\n", given.junit.c_str());
    if (!file) exit_code = exit_usage;
  }
  const std::string report = given.as_tap ? as_tap(all) : as_text(all);
  const bool written = std::fwrite(report.data(), 1, report.size(), stdout) == report.size();
  return written && std::fflush(stdout) == 0 ? exit_code : exit_output_closed;
}

}  // namespace

void add_test(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<test_options>();
  CLI::App* command = app.add_subcommand("test", "Run the cases of test files (docs/testing.md)");
  command->add_option("FILE", given->files, "Test files: the configuration that they test, and cases")
      ->required();
  command->add_flag("--tap", given->as_tap, "Print the results in the Test Anything Protocol");
  command->add_option("--junit", given->junit, "Write the results to this file, too, as JUnit's XML");
  command->callback([given, &exit_code] { exit_code = test(*given); });
}

}  // namespace duplexd::cli
