#include "config/value/regular_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace duplexd::config {

namespace {

struct descriptor {
  explicit descriptor(int opened) : number(opened) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

std::string words_for(int error) {
  if (error == ENOENT) return "there is no such file";
  const std::string words = std::generic_category().message(error);
  return error == EACCES || error == EPERM ? fmt::format("{} for uid {}", words, ::geteuid()) : words;
}

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

std::string size_text(std::size_t bytes) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  return bytes % mebibyte == 0 ? fmt::format("{} MiB", bytes / mebibyte) : fmt::format("{} bytes", bytes);
}

// To the end and not by a file's size, which files of the kernel do not tell. `is_ready` waits for more.
template <class Ready>
resolved<std::string> read_all(int file, std::size_t limit, Ready is_ready) {
  resolved<std::string> all;
  std::array<char, 65'536> chunk;
  for (;;) {
    if (std::string why = is_ready(); !why.empty()) return {"", std::move(why)};
    const ssize_t count = ::read(file, chunk.data(), chunk.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return {"", words_for(errno)};
    if (count == 0) return all;
    all.value.append(chunk.data(), static_cast<std::size_t>(count));
    if (all.value.size() > limit) return {"", fmt::format("the file is larger than {}", size_text(limit))};
  }
}

}  // namespace

resolved<std::string> read_regular_file(const std::string& path, std::size_t limit) {
  // Opening a pipe would wait for its writer.
  const descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.number < 0) return {"", errno == ENXIO ? "it is a socket, not a regular file" : words_for(errno)};
  struct stat found{};
  if (::fstat(file.number, &found) != 0) return {"", words_for(errno)};
  if (!S_ISREG(found.st_mode))
    return {"", fmt::format("it is {}, not a regular file", kind_of(found.st_mode))};
  return read_all(file.number, limit, [] { return std::string{}; });
}

resolved<std::string> read_file_or_pipe(const std::string& path, std::size_t limit,
                                        std::chrono::milliseconds wait) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + wait;
  const descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.number < 0) return {"", errno == ENXIO ? "it is a socket" : words_for(errno)};
  struct stat found{};
  if (::fstat(file.number, &found) != 0) return {"", words_for(errno)};
  if (S_ISDIR(found.st_mode)) return {"", "it is a directory"};
  // A pipe that nobody has opened for writing yet is not at its end: nothing is to be seen of it.
  return read_all(file.number, limit, [&]() -> std::string {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
    pollfd more{.fd = file.number, .events = POLLIN, .revents = 0};
    const bool in_time = left.count() > 0 && ::poll(&more, 1, static_cast<int>(left.count())) != 0;
    return in_time ? "" : fmt::format("its writer has not come to an end within {} ms", wait.count());
  });
}

}  // namespace duplexd::config
