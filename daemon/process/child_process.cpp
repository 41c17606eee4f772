#include "daemon/process/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace duplexd {

namespace {

/// Both ends of a pipe; what is not taken is closed.
struct pipe_ends {
  std::array<int, 2> ends{-1, -1};

  pipe_ends() = default;
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    for (const int each : ends)
      if (each >= 0) ::close(each);
  }
  bool open() { return ::pipe2(ends.data(), O_CLOEXEC) == 0; }
  int take(std::size_t which) {
    ::fcntl(ends[which], F_SETFL, O_NONBLOCK);
    return std::exchange(ends[which], -1);
  }
};

}  // namespace

child_process::child_process(const std::vector<std::string>& arguments, std::string& error) {
  pipe_ends input;
  pipe_ends output;
  pipe_ends errors;
  if (!input.open() || !output.open() || !errors.open()) {
    error = std::strerror(errno);
    return;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.ends[1], STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);

  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  const int failed = ::posix_spawnp(&pid_, words[0], &actions, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    error = std::strerror(failed);
    return;
  }
  end_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36 declares it for C only
  if (end_ < 0) {
    error = std::strerror(errno);
    kill();
    wait();
    return;
  }
  input_ = input.take(1);
  output_ = output.take(0);
  errors_ = errors.take(0);
}

child_process::~child_process() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  for (const int each : {input_, output_, errors_, end_})
    if (each >= 0) ::close(each);
}

int child_process::take(int& descriptor) noexcept {
  return std::exchange(descriptor, -1);
}

void child_process::kill() noexcept {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

int child_process::wait() noexcept {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

}  // namespace duplexd
