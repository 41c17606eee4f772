// A started program: its streams, what it inherits and what it must not, how it is ended.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/app/descriptors.hpp"
#include "daemon/process/child_process.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

namespace {

bool readable(int descriptor, int milliseconds) {
  pollfd what{.fd = descriptor, .events = POLLIN, .revents = 0};
  return poll(&what, 1, milliseconds) == 1;
}

/// Everything up to the end.
std::string read_all(int descriptor) {
  std::string all;
  std::array<char, 4096> piece{};
  for (;;) {
    REQUIRE(readable(descriptor, 10'000));
    const auto got = read(descriptor, piece.data(), piece.size());
    if (got <= 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Once it has ended.
int status_of(child_process& child) {
  for (int i = 0; i < 10'000; ++i) {
    if (const auto status = child.status()) return *status;
    poll(nullptr, 0, 1);
  }
  FAIL("it does not end");
  return -1;
}

struct ended_program {
  int status = 0;
  std::string output;
  std::string errors;
};

const std::vector<std::string> environment{"PATH=/usr/bin:/bin"};

ended_program run_to_end(const std::vector<std::string>& arguments, const std::string& input = {}) {
  std::string error;
  child_process child(arguments, environment, error);
  INFO(error);
  REQUIRE(child.started());
  const int in = child.take_input();
  CHECK(write(in, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  close(in);
  ended_program made;
  const int out = child.take_output();
  const int errors = child.take_errors();
  made.output = read_all(out);
  made.errors = read_all(errors);
  close(out);
  close(errors);
  made.status = status_of(child);
  CHECK_FALSE(child.started());
  return made;
}

std::string shell_output(const std::string& command) {
  return run_to_end({"/bin/sh", "-c", command}).output;
}

}  // namespace

TEST_CASE("a program has three streams of its own", "[child_process]") {
  const auto ended =
      run_to_end({"/bin/sh", "-c", "read a; echo \"out $a\"; echo \"err $a\" >&2; exit 7"}, "in\n");
  CHECK(WEXITSTATUS(ended.status) == 7);
  CHECK(ended.output == "out in\n");
  CHECK(ended.errors == "err in\n");
}

TEST_CASE("a program that cannot be started says why and leaves nothing behind", "[child_process]") {
  const auto before = open_descriptors();
  {
    std::string error;
    child_process child({"/no/such/program"}, environment, error);
    CHECK_FALSE(child.started());
    CHECK(error == "No such file or directory");
    CHECK(child.take_input() == -1);
    CHECK(child.take_end() == -1);
  }
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a program is looked up in PATH and gets its arguments as they are", "[child_process]") {
  CHECK(run_to_end({"printf", "%s|", "a b", "", "$HOME"}).output == "a b||$HOME|");
}

// The capture, the log and every link are open in the daemon: none of them is a program's business, and not
// what a library opened without a thought of programs either.
TEST_CASE("a program inherits no descriptor but its streams", "[child_process]") {
  std::string error;
  child_process other({"sleep", "60"}, environment, error);
  const int careless = dup(STDERR_FILENO);
  const int high = fcntl(STDERR_FILENO, F_DUPFD, 200);
  const std::string open = run_to_end({"ls", "/proc/self/fd"}).output;
  close(careless);
  close(high);
  CHECK(open == "0\n1\n2\n3\n");  // 3 is ls's own, of the folder
}

TEST_CASE("a program has the environment that it is given and no other", "[child_process]") {
  CHECK(run_to_end({"env"}).output == "PATH=/usr/bin:/bin\n");
}

// The daemon ignores SIGPIPE and blocks what it waits for: a program must not.
TEST_CASE("a program begins with the signals as they usually are", "[child_process]") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &old);
  // Not by a shell, which may clear its mask.
  const std::string masks =
      run_to_end({"sed", "-n", "s/^Sig\\(Blk\\|Ign\\):.//p", "/proc/self/status"}).output;
  sigprocmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGPIPE, before);
  INFO(masks);
  const auto second = masks.find('\n');
  REQUIRE(second != std::string::npos);
  CHECK(std::stoull(masks, nullptr, 16) == 0);
  constexpr auto of_ours = (1ULL << 31) - 1;  // behind them are the C library's own
  CHECK((std::stoull(masks.substr(second + 1), nullptr, 16) & of_ours) == 0);
}

TEST_CASE("a program leads a process group of its own", "[child_process]") {
  const std::string groups = shell_output("cut -d' ' -f1,5 /proc/$$/stat");
  const auto space = groups.find(' ');
  REQUIRE(space != std::string::npos);
  CHECK(groups.substr(0, space) + "\n" == groups.substr(space + 1));
  CHECK(std::stoi(groups) != getpgrp());
}

TEST_CASE("each end is given away once, and ours do not block", "[child_process]") {
  std::string error;
  child_process child({"sleep", "60"}, environment, error);
  REQUIRE(child.started());
  const int ends[] = {child.take_input(), child.take_output(), child.take_errors(), child.take_end()};
  for (const int each : ends) {
    CHECK(each >= 0);
    CHECK((fcntl(each, F_GETFD) & FD_CLOEXEC) != 0);
  }
  for (const int each : {ends[0], ends[1], ends[2]}) CHECK((fcntl(each, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(child.take_input() == -1);
  CHECK(child.take_output() == -1);
  CHECK(child.take_errors() == -1);
  CHECK(child.take_end() == -1);
  CHECK_FALSE(readable(ends[3], 0));
  CHECK_FALSE(child.status());
  CHECK(child.signal(SIGKILL) == 0);
  CHECK(readable(ends[3], 10'000));  // it has ended
  const int status = status_of(child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  for (const int each : ends) close(each);
}

// What the program started holds the pipe open as long as it runs.
TEST_CASE("who destroys a running program kills it and what it started, and keeps nothing",
          "[child_process]") {
  const auto before = open_descriptors();
  int output = -1;
  {
    std::string error;
    child_process child({"/bin/sh", "-c", "sleep 60 & echo started; wait"}, environment, error);
    REQUIRE(child.started());
    output = child.take_output();
    REQUIRE(readable(output, 10'000));
  }
  CHECK(read_all(output) == "started\n");
  close(output);
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // no zombie
  CHECK(errno == ECHILD);
}

TEST_CASE("the daemon takes as many descriptors as it may have", "[descriptors]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit little{64, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &little) == 0);
  for (int i = 0; i < 2; ++i) {  // the second time there is nothing to do
    CHECK(raise_descriptor_limit() == before.rlim_max);
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    CHECK(now.rlim_cur == before.rlim_max);
    CHECK(now.rlim_max == before.rlim_max);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

// Started with 1>&-: the loop's own descriptor would be written to as stdout.
TEST_CASE("standard streams that are closed lead nowhere, and memory is nobody's business", "[descriptors]") {
  const int dumpable = prctl(PR_GET_DUMPABLE);
  const auto before = open_descriptors();
  std::array<int, 2> kept{dup(STDIN_FILENO), dup(STDOUT_FILENO)};
  close(STDIN_FILENO);
  close(STDOUT_FILENO);
  prepare_process();
  const auto in = std::filesystem::read_symlink("/proc/self/fd/0");
  const auto out = std::filesystem::read_symlink("/proc/self/fd/1");
  const int dumpable_now = prctl(PR_GET_DUMPABLE);
  prepare_process();  // nothing is closed: nothing is opened
  prctl(PR_SET_DUMPABLE, dumpable);
  for (int i = 0; i < 2; ++i) {
    dup2(kept[static_cast<std::size_t>(i)], i);
    close(kept[static_cast<std::size_t>(i)]);
  }
  CHECK(in == "/dev/null");
  CHECK(out == "/dev/null");
  CHECK(dumpable_now == 0);
  CHECK(open_descriptors() == before);
}
