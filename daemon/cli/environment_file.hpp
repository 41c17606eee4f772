#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duplexd::cli {

/// Reads lines NAME=VALUE, as systemd's EnvironmentFile= and Docker's --env-file have them: empty lines and
/// those that begin with # or ; mean nothing, `export ` in front is allowed, a value may be in single or
/// double quotes. Nothing is expanded. Returns what is wrong and where, without the text, which is likely
/// secret; empty: nothing.
[[nodiscard]] std::string parse_environment(std::string_view text,
                                            std::vector<std::pair<std::string, std::string>>& out);

}  // namespace duplexd::cli
