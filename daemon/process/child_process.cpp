#include "daemon/process/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
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

/// As execve wants them.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& each : texts) all.push_back(const_cast<char*>(each.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

child_process::child_process(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment, std::string& error) {
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
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);  // whoever opened them
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);

  const std::vector<char*> words = pointers(arguments);
  const std::vector<char*> variables = pointers(environment);
  const int failed = ::posix_spawnp(&pid_, words[0], &actions, &attributes, words.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    error = std::strerror(failed);
    return;
  }
  process_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36 declares it for C only
  end_ = process_ < 0 ? -1 : ::fcntl(process_, F_DUPFD_CLOEXEC, 0);
  if (end_ < 0) {
    error = std::strerror(errno);
    end_at_once();
    return;
  }
  input_ = input.take(1);
  output_ = output.take(0);
  errors_ = errors.take(0);
}

child_process::~child_process() {
  end_at_once();
  for (const int each : {input_, output_, errors_, end_, process_})
    if (each >= 0) ::close(each);
}

int child_process::take(int& descriptor) noexcept {
  return std::exchange(descriptor, -1);
}

// The program's number and its group's stay its own until its status is taken.
int child_process::signal(int number) noexcept {
  if (pid_ <= 0) return ESRCH;
  ::kill(-pid_, number);
  const auto failed =
      process_ >= 0 ? ::syscall(SYS_pidfd_send_signal, process_, number, nullptr, 0) : ::kill(pid_, number);
  return failed == 0 ? 0 : errno;
}

std::optional<int> child_process::status() noexcept {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) == 0) return std::nullopt;
  pid_ = -1;
  return status;
}

pid_t child_process::let_go() noexcept {
  return std::exchange(pid_, -1);
}

// A killed program ends within moments; one that cannot be killed is left alone.
void child_process::end_at_once() noexcept {
  constexpr int moments = 100;  // ms
  if (pid_ <= 0 || signal(SIGKILL) != 0) return;
  pollfd ended{.fd = process_, .events = POLLIN, .revents = 0};
  if (process_ >= 0) ::poll(&ended, 1, moments);
  status();
}

}  // namespace duplexd
