#include "daemon/process/program_environment.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace duplexd {

namespace {

bool is_inherited(std::string_view name) {
  constexpr std::array names = {"PATH", "HOME", "USER",   "LOGNAME",  "SHELL",
                                "LANG", "TZ",   "TMPDIR", "LANGUAGE", "XDG_RUNTIME_DIR"};
  return name.starts_with("LC_") || std::ranges::find(names, name) != names.end();
}

}  // namespace

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    const std::string name{variable.substr(0, variable.find('='))};
    if (is_inherited(name) && !added.contains(name)) all.emplace_back(variable);
  }
  for (const auto& [name, value] : added) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

std::string describe_end(int status) {
  return WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

}  // namespace duplexd
