#include "tests/config/support.hpp"

#include <cstdlib>

#include "tests/catch.hpp"

namespace duplexd::config::testing {

outcome load_document(std::string_view text, const std::string& file, bool secrets_absent) {
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  outcome result;
  result.value = load_text(text, format_of(file), file, {secrets_absent, &warnings}, mistakes);
  for (const auto& each : mistakes) result.mistakes.push_back(format("f", each));
  for (const auto& each : warnings) result.warnings.push_back(format("f", each));
  return result;
}

settings load_good(std::string_view text, const std::string& file) {
  outcome result = load_document(text, file);
  CHECK(result.mistakes.empty());
  REQUIRE(result.value.has_value());
  return std::move(*result.value);
}

std::string session_of(std::string_view lines) {
  return "sessions:\n  s:\n    url: wss://h/\n" + std::string(lines);
}

environment_variable::environment_variable(const char* name, const char* value) : name_(name) {
  REQUIRE(setenv(name, value, 1) == 0);
}

environment_variable::~environment_variable() {
  unsetenv(name_.c_str());
}

}  // namespace duplexd::config::testing
