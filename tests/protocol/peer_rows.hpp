#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.hpp"

namespace duplexd::protocol::testing {

/// Runs a script of this folder with the machine's Python and hands over each line that it prints, parsed and
/// as printed; returns how many there were. Without Python the case fails: nothing would be compared.
template <class Check>
std::size_t each_peer_row(const std::string& script, const std::string& arguments, Check check) {
  const std::string python = "/usr/bin/python3";
  REQUIRE(access(python.c_str(), X_OK) == 0);
  FILE* pipe = popen((python + " " DUPLEXD_TEST_DIR "/protocol/" + script + " " + arguments).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::size_t rows = 0;
  char* line = nullptr;
  std::size_t room = 0;
  while (getline(&line, &room, pipe) > 0) {
    check(nlohmann::ordered_json::parse(line), std::string(line));
    ++rows;
  }
  std::free(line);
  CHECK(pclose(pipe) == 0);
  return rows;
}

}  // namespace duplexd::protocol::testing
