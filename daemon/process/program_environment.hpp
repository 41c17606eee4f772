#pragma once

#include <map>
#include <string>
#include <vector>

namespace duplexd {

/// The environment (NAME=value) of a program that the daemon starts: what it inherits, which says where
/// things are and how texts look and holds no secret, and what is added.
[[nodiscard]] std::vector<std::string> environment_with(const std::map<std::string, std::string>& added);

/// How a program ended, in words; `status` is waitpid's.
[[nodiscard]] std::string describe_end(int status);

}  // namespace duplexd
