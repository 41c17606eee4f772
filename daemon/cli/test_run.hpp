#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/cli/test_file.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd::cli {

/// The protocol of each session that has one, by its name.
using session_protocols = std::map<std::string, std::shared_ptr<const protocol::protocol>>;

/// The most of a capture that a case reads, in bytes.
inline constexpr std::size_t largest_test_capture = std::size_t{64} << 20;

/// Runs one case; returns how what came of it differs from what was expected, a line for each field. Empty:
/// the case has passed. `directory`: where the paths of captures start.
[[nodiscard]] std::vector<std::string> run_case(const test_case& what, const session_protocols& all,
                                                const std::string& directory);

}  // namespace duplexd::cli
