#include "daemon/cli/test_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

constexpr std::size_t most_shown = 20;  // differences of a case

std::vector<std::string> shown(const case_result& of) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(of.differences.size(), most_shown); ++i)
    lines.push_back(protocol::one_line(of.differences[i]));
  if (of.differences.size() > most_shown)
    lines.push_back(fmt::format("and {} more differences", of.differences.size() - most_shown));
  return lines;
}

std::size_t failures(const file_result& of) {
  return static_cast<std::size_t>(
      std::ranges::count_if(of.cases, [](const case_result& each) { return !each.differences.empty(); }));
}

// After one_line nothing but these is special in an attribute or a text of XML.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : protocol::one_line(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

double seconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

}  // namespace

std::string as_text(const std::vector<file_result>& all) {
  std::string out;
  for (const file_result& file : all) {
    for (const case_result& each : file.cases) {
      out += fmt::format("{} {}:{}: {}\n", each.differences.empty() ? "ok    " : "FAILED", file.file,
                         each.line, protocol::one_line(each.name));
      for (const std::string& line : shown(each)) out += "    " + line + "\n";
    }
    const std::size_t failed = failures(file);
    out += fmt::format("{}: {} passed, {} failed\n", file.file, file.cases.size() - failed, failed);
  }
  return out;
}

std::string as_tap(const std::vector<file_result>& all) {
  std::size_t count = 0;
  std::string out;
  for (const file_result& file : all) {
    for (const case_result& each : file.cases) {
      // A # would begin a directive, such as TODO.
      std::string name = protocol::one_line(each.name);
      std::ranges::replace(name, '#', ' ');
      out += fmt::format("{}ok {} - {}\n", each.differences.empty() ? "" : "not ", ++count, name);
      if (each.differences.empty()) continue;
      // Comments: what readers make of the protocol's blocks of YAML differs.
      out += fmt::format("# {}:{}\n", file.file, each.line);
      for (const std::string& line : shown(each)) out += "# " + line + "\n";
    }
  }
  return fmt::format("TAP version 13\n1..{}\n", count) + out;
}

std::string as_junit(const std::vector<file_result>& all) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const file_result& file : all) {
    out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n",
                       xml(file.file), file.cases.size(), failures(file));
    for (const case_result& each : file.cases) {
      out += fmt::format(
          "    <testcase classname=\"{0}\" name=\"{1}\" file=\"{0}\" line=\"{2}\" time=\"{3:.6f}\"",
          xml(file.file), xml(each.name), each.line, seconds(each.took));
      if (each.differences.empty()) {
        out += "/>\n";
        continue;
      }
      out += fmt::format(">\n      <failure message=\"{}\">{}:{}\n", xml(each.differences.front()),
                         xml(file.file), each.line);
      for (const std::string& line : shown(each)) out += xml(line) + "\n";
      out += "</failure>\n    </testcase>\n";
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace duplexd::cli
