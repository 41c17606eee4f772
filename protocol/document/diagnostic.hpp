#pragma once

#include <string>
#include <vector>

#include "protocol/document/node.hpp"

namespace duplexd::protocol {

/// One mistake in a configuration document: where, which field, what is wrong and what to do.
struct diagnostic {
  position where;
  std::string path;     ///< "sessions.callcentre.url"; empty for the whole document
  std::string message;  ///< what happened, in one line
  std::string hint;     ///< what to do, or empty: "did you mean 'timeout'?"
  std::string file{};   ///< of a document of several files the one that it is in, else empty
};

/// All mistakes of a document, collected in one pass.
using diagnostics = std::vector<diagnostic>;

}  // namespace duplexd::protocol
