#include "daemon/log/log_lines.hpp"

namespace duplexd {

void log_lines::append(std::string_view line) {
  if (dropped_ > 0 || kept_.size() + line.size() > most_kept) {
    ++dropped_;
    return;
  }
  kept_.append(line);
  flush();
}

bool log_lines::flush() {
  std::size_t written = 0;
  while (written < kept_.size()) {
    const auto count = to_.write_some(std::string_view{kept_}.substr(written));
    if (count == 0) break;
    written = count < 0 ? kept_.size() : written + static_cast<std::size_t>(count);
  }
  kept_.erase(0, written);
  if (kept_.empty() && kept_.capacity() > most_kept / 16) kept_.shrink_to_fit();
  return kept_.empty();
}

}  // namespace duplexd
