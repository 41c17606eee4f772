#pragma once

#include <functional>
#include <string>

namespace duplexd {

/// What became of a command from outside.
struct command_news {
  bool is_accepted = false;    ///< it will come to its end, or has: its sender need not keep it
  bool has_ended = false;      ///< nothing more will be told
  std::string text{};          ///< at the end: a map in JSON, as the control interface answers it
  bool is_given_back = false;  ///< it cannot be taken for now, as `text` says: nothing more will be told
};

using command_listener = std::function<void(const command_news&)>;

}  // namespace duplexd
