#pragma once

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/config/support.hpp"

// What tests of steps read them with.
namespace duplexd::config::testing {

using list = std::vector<std::string>;

// Lines 4 and 5; what is tested starts at line 6.
inline constexpr const char* protocol =
    "    protocol: {byte_order: little, commands: {go: 'n:b=1', of: 'n:b'}, replies: [{as: done, layout: "
    "'n:b m:b'}]}\n"
    "    commands: {go: {idempotent: true}}\n";

/// Mistakes of a session with this protocol, without "f:".
inline list mistakes(const std::string& lines) {
  list all = load_document(session_of(protocol + ("    " + lines) + "\n"), "f", true).mistakes;
  for (std::string& each : all) each.erase(0, 2);
  return all;
}

/// The same for one step of the script.
inline list step_mistakes(const std::string& step) {
  list all = mistakes("script: [" + step + "]");
  for (std::string& each : all) {
    const std::string start = "6:14: sessions.s.script[0]";
    if (each.starts_with(start)) each.replace(0, start.size(), "~");
  }
  return all;
}

inline step_list steps(const std::string& written) {
  return load_good(session_of(protocol + ("    script: [" + written + "]\n"))).sessions.at(0).script;
}

template <class Step>
Step first(const std::string& written) {
  const step_list all = steps(written);
  REQUIRE_FALSE(all.empty());
  const Step* found = std::get_if<Step>(&all[0].action);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace duplexd::config::testing
