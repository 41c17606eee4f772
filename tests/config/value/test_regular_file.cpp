// Files that are read while the loop runs: what is refused, and in which words.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/value/regular_file.hpp"
#include "tests/catch.hpp"

using duplexd::config::read_regular_file;

namespace {

struct folder {
  folder() {
    std::string name = std::string(P_tmpdir) + "/duplexd-files-XXXXXX";
    path = mkdtemp(name.data());
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::binary) << text;
    return path + "/" + name;
  }
  std::string path;
};

}  // namespace

TEST_CASE("a file is read as it is, up to its limit", "[regular_file]") {
  const folder here;
  for (const std::size_t size : {0U, 1U, 9U, 10U}) {
    const std::string text(size, '\n');
    const auto got = read_regular_file(here.file("a", text), 10);
    CHECK(got.error.empty());
    CHECK(got.value == text);
  }
  const auto beyond = read_regular_file(here.file("a", std::string(11, 'x')), 10);
  CHECK(beyond.error == "the file is larger than 10 bytes");
  CHECK(beyond.value.empty());
  const std::string large(200'001, 'x');
  CHECK(read_regular_file(here.file("b", large), large.size()).value == large);
  std::filesystem::create_symlink("b", here.path + "/link");
  CHECK(read_regular_file(here.path + "/link", large.size()).value == large);
  CHECK_FALSE(read_regular_file("/proc/self/status", 1U << 20).value.empty());  // its size is told as 0
}

// A pipe without a writer would hold the loop up, /dev/zero would take all memory.
TEST_CASE("what is no regular file is refused without waiting", "[regular_file]") {
  const folder here;
  CHECK(read_regular_file(here.path, 10).error == "it is a directory, not a regular file");
  CHECK(read_regular_file("/dev/zero", 10).error == "it is a device, not a regular file");
  const std::string pipe = here.path + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_regular_file(pipe, 10).error == "it is a pipe, not a regular file");
  const std::string place = here.path + "/socket";
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  place.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(read_regular_file(place, 10).error == "it is a socket, not a regular file");
  close(listener);
}

TEST_CASE("why a file cannot be read is told in words", "[regular_file]") {
  const folder here;
  CHECK(read_regular_file(here.path + "/none", 10).error == "there is no such file");
  CHECK(read_regular_file(here.file("a", "x") + "/b", 10).error == "Not a directory");
  const std::string loop = here.path + "/loop";
  std::filesystem::create_symlink("loop", loop);
  CHECK(read_regular_file(loop, 10).error == "Too many levels of symbolic links");
}

// Root may read everything.
TEST_CASE("who may not read a file is named", "[regular_file]") {
  const folder here;
  const std::string secret = here.file("secret", "x");
  REQUIRE(chmod(secret.c_str(), 0) == 0);
  const bool root = geteuid() == 0;
  if (root) REQUIRE(seteuid(65'534) == 0);
  const std::string uid = std::to_string(geteuid());
  const std::string error = read_regular_file(secret, 10).error;
  if (root) REQUIRE(seteuid(0) == 0);
  CHECK(error == "Permission denied for uid " + uid);
}
