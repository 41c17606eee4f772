#include "daemon/simulate/simulated_trust.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "daemon/net/tls/certificates.hpp"

namespace duplexd::net {
namespace {

namespace fs = std::filesystem;

std::string last_error() {
  return std::generic_category().message(errno);
}

/// Replaces the file in one step: who reads it meanwhile gets the old or the new one.
void write_file(const fs::path& path, const std::string& content, mode_t mode) {
  const std::string fresh = path.string() + ".new";
  ::unlink(fresh.c_str());
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) throw std::runtime_error("cannot write " + fresh + ": " + last_error());
  const bool written = ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const std::string why = last_error();
  ::close(file);
  if (!written) throw std::runtime_error("cannot write " + fresh + ": " + why);
  fs::rename(fresh, path);
}

fs::path prepared(const std::string& directory) {
  if (!directory.empty()) {
    fs::create_directories(directory);
    return fs::absolute(directory);
  }
  std::string pattern = (fs::temp_directory_path() / "duplexd-simulate-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory: " + last_error());
  return pattern;
}

}  // namespace

simulated_trust make_simulated_trust(const std::string& directory, const std::vector<std::string>& names) {
  simulated_trust made;
  try {
    const fs::path place = prepared(directory);
    const throw_away_authority authority("duplexd simulate, throw-away authority");
    const auto issued = authority.issue(names);
    write_file(place / "ca.pem", authority.certificate(), 0644);
    write_file(place / "server.pem", issued.certificate, 0644);
    write_file(place / "server.key", issued.key, 0600);
    made.ca_file = place / "ca.pem";
    made.certificate_file = place / "server.pem";
    made.key_file = place / "server.key";
  } catch (const std::exception& error) {
    made.error = error.what();
  }
  return made;
}

}  // namespace duplexd::net
