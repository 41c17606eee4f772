#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load/load.hpp"

namespace duplexd::config::testing {

/// What loading a document gave: settings, and its mistakes and warnings as they are printed.
struct outcome {
  std::optional<settings> value;
  std::vector<std::string> mistakes;
  std::vector<std::string> warnings;
};

/// Loads YAML, or JSON if `file` says so. The file's name in messages is `f`.
[[nodiscard]] outcome load_document(std::string_view text, const std::string& file = "f",
                                    bool secrets_absent = false);

/// The settings; fails the test with all mistakes if there are none.
[[nodiscard]] settings load_good(std::string_view text, const std::string& file = "f");

/// A document with one session `s` of these lines, which are indented by four blanks already.
[[nodiscard]] std::string session_of(std::string_view lines);

/// Sets an environment variable and takes it back.
class environment_variable {
 public:
  environment_variable(const char* name, const char* value);
  ~environment_variable();
  environment_variable(const environment_variable&) = delete;
  environment_variable& operator=(const environment_variable&) = delete;

 private:
  std::string name_;
};

}  // namespace duplexd::config::testing
