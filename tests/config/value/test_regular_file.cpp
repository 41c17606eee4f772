// Files that are read while the loop runs: what is refused, and in which words.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "config/value/regular_file.hpp"
#include "tests/catch.hpp"

using duplexd::config::read_file_or_pipe;
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
TEST_CASE("what is not a regular file is refused without waiting", "[regular_file]") {
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

// `duplexd run -c <(…)`: all of it, even if its writer is slow to come, but not for ever and not without end.
TEST_CASE("a pipe is read to its end, within its limits", "[regular_file]") {
  using std::chrono::milliseconds;
  const folder here;
  const std::string pipe = here.path + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  constexpr milliseconds soon{30};
  constexpr milliseconds long_enough{20'000};
  const std::string late = "its writer has not come to an end within 30 ms";
  CHECK(read_file_or_pipe(pipe, 10, soon).error == late);  // nobody writes
  const std::string text(300'000, 'x');                    // more than a pipe holds
  std::thread writer([&] { std::ofstream(pipe) << text; });
  CHECK(read_file_or_pipe(pipe, text.size(), long_enough).value == text);
  writer.join();

  const int both_ends = open(pipe.c_str(), O_RDWR);  // a writer that neither writes nor goes
  CHECK(read_file_or_pipe(pipe, 10, soon).error == late);
  REQUIRE(write(both_ends, "0123456789", 10) == 10);
  CHECK(read_file_or_pipe(pipe, 10, soon).error == late);
  REQUIRE(write(both_ends, "0123456789a", 11) == 11);
  CHECK(read_file_or_pipe(pipe, 10, long_enough).error == "the file is larger than 10 bytes");
  close(both_ends);

  CHECK(read_file_or_pipe(here.file("a", "text"), 4, soon).value == "text");
  CHECK(read_file_or_pipe("/dev/null", 4, soon).error.empty());
  CHECK(read_file_or_pipe(here.path, 4, soon).error == "it is a directory");
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
