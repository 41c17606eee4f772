// A log whose reader does not read: nothing waits for it, and nothing is left out in silence.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemon/log/log_lines.hpp"
#include "daemon/log/spdlog_telemetry.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

namespace {

/// A pipe that takes few bytes, in place of stderr or not.
class narrow_pipe {
 public:
  narrow_pipe() {
    REQUIRE(pipe(ends_) == 0);
    fcntl(ends_[1], F_SETPIPE_SZ, 4096);
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~narrow_pipe() {
    give_back_stderr();
    close_reader();
    close(ends_[1]);
  }
  narrow_pipe(const narrow_pipe&) = delete;
  narrow_pipe& operator=(const narrow_pipe&) = delete;

  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
  }
  void take_stderr() {
    kept_ = dup(STDERR_FILENO);
    dup2(ends_[1], STDERR_FILENO);
  }
  void give_back_stderr() {
    if (kept_ < 0) return;
    dup2(kept_, STDERR_FILENO);
    close(std::exchange(kept_, -1));
  }
  /// What is in the pipe now.
  [[nodiscard]] std::string read_some() const {
    char buffer[8192];
    const auto count = read(ends_[0], buffer, sizeof buffer);
    return {buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
  }

 private:
  int ends_[2] = {-1, -1};
  int kept_ = -1;
};

template <class Log>
std::string drain(Log& log, const narrow_pipe& pipe) {
  std::string all;
  bool dry = false;
  while (!dry) {
    dry = log.flush();
    all += pipe.read_some();
  }
  return all;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("what a full pipe does not take is written later, in order and whole") {
  const narrow_pipe pipe;
  log_lines log{pipe.writer()};
  std::string sent;
  for (int i = 0; i < 5'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    log.append(line);
    sent += line;
  }
  CHECK_FALSE(log.flush());
  CHECK(drain(log, pipe) == sent);
  CHECK(log.dropped() == 0);
}

// The gap is one: nothing of what came after it stands before it.
TEST_CASE("above its bound lines are dropped and counted until all that is kept is written") {
  const narrow_pipe pipe;
  log_lines log{pipe.writer()};
  const std::string line = std::string(1023, 'x') + "\n";
  const std::size_t in_pipe = 4;
  const std::size_t kept = log_lines::most_kept / line.size();
  for (std::size_t i = 0; i < in_pipe + kept; ++i) log.append(line);
  CHECK(log.dropped() == 0);
  log.append("\n");
  CHECK(log.dropped() == 1);
  static_cast<void>(pipe.read_some());
  CHECK_FALSE(log.flush());
  log.append("\n");  // there would be room
  CHECK(log.dropped() == 2);
  CHECK(drain(log, pipe).size() == kept * line.size());
  CHECK(log.take_dropped() == 2);
  log.append("again\n");
  CHECK(pipe.read_some() == "again\n");
}

TEST_CASE("a log that nobody can read any more keeps nothing") {
  std::signal(SIGPIPE, SIG_IGN);
  narrow_pipe pipe;
  log_lines log{pipe.writer()};
  for (int i = 0; i < 5'000; ++i) log.append("line\n");
  CHECK_FALSE(log.flush());
  pipe.close_reader();
  CHECK(log.flush());
  log.append("line\n");
  CHECK(log.flush());
  CHECK(log.dropped() == 0);
}

// With a level at which warnings are not logged, too; for systemd as for people.
TEST_CASE("the daemon goes on while its log is not read, and the log says what it lost") {
  const auto format = GENERATE(config::log_format::text, config::log_format::json);
  narrow_pipe pipe;
  const secret_index secrets;
  pipe.take_stderr();
  const auto log = make_spdlog_telemetry({.format = format, .level = config::log_level::error}, secrets);
  pipe.give_back_stderr();
  const event failed = happening::attempt_failed{{.cause = std::string(900, 'y')}, {}};
  const std::size_t sent = 2'000;
  for (std::size_t i = 0; i < sent; ++i) log->record("s", failed);
  auto lines = split(drain(*log, pipe));
  REQUIRE(lines.size() > 100);
  const auto dropped = std::to_string(sent + 1 - lines.size());
  CHECK_THAT(lines.back(), Catch::Contains(dropped + " log lines were dropped here: stderr was not read"));
  log->record("s", failed);
  lines = split(drain(*log, pipe));
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines.back(), Catch::Contains("yyy"));
}
