#pragma once

#include <string>
#include <vector>

#include "tests/config/support.hpp"

// What tests of outputs read them with.
namespace duplexd::config::testing {

using lines = std::vector<std::string>;

inline std::string file_with(const std::string& outputs, const std::string& routes) {
  return "outputs: " + outputs + "\nsessions: {s: {url: 'wss://h', outputs: " + routes +
         ", protocol: {replies: [{as: tick, layout: 'a:i'}]}}}\n";
}

inline lines mistakes_of(const std::string& outputs, const std::string& routes) {
  return load_document(file_with(outputs, routes), "f.yaml").mistakes;
}

}  // namespace duplexd::config::testing
