#include "daemon/log/journal.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace duplexd {

// It hands its socket's device and inode to its listener.
bool journal_listens() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

std::string_view journal_priority(config::log_level level) noexcept {
  switch (level) {
    case config::log_level::debug:
      return "<7>";
    case config::log_level::warning:
      return "<4>";
    case config::log_level::error:
      return "<3>";
    case config::log_level::info:
      break;
  }
  return "<6>";
}

}  // namespace duplexd
