#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>

#include "daemon/output/line_output.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using test::recorded_telemetry;

namespace {

// The two ends of a pipe or socket; [1] is written to.
struct channel {
  int ends[2] = {-1, -1};
  ~channel() {
    close_reader();
    if (ends[1] >= 0) close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  std::string read_some() {
    char buffer[65536];
    const auto count = read(ends[0], buffer, sizeof buffer);
    return {buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
  }
};

// Runs the output until the loop has nothing more to do; gives its ending, if it ended.
struct running {
  asio::io_context loop{1};
  recorded_telemetry log;
  line_output out;
  std::optional<std::string> broken;
  explicit running(int descriptor, bool at_once = true) : out(loop.get_executor(), log, "o", descriptor) {
    if (at_once) start();
  }
  void start() {
    asio::co_spawn(loop, out.run(),
                   [this](const std::exception_ptr&, std::string why) { broken = std::move(why); });
    poll();
  }
  void poll() {
    loop.restart();
    while (loop.poll() != 0) {
    }
  }
};

}  // namespace

TEST_CASE("lines reach a pipe, and the inherited descriptor stays blocking for its other owners") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  running r{c.ends[1]};
  r.out.append({}, "one\n");
  r.out.append({}, "two\n");
  r.poll();
  CHECK(c.read_some() == "one\ntwo\n");
  CHECK((fcntl(c.ends[1], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a full pipe does not block the loop, and everything arrives in order later") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  running r{c.ends[1]};
  std::string sent;
  for (int i = 0; i < 50'000; ++i) {
    const std::string line = std::to_string(i) + "\n";
    r.out.append({}, line);
    sent += line;
    if (i % 1000 == 0) r.poll();
  }
  std::string got;
  while (got.size() < sent.size()) {
    got += c.read_some();
    r.poll();
  }
  CHECK(got == sent);
}

TEST_CASE("a socket is written without blocking too") {
  channel c;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, c.ends) == 0);
  running r{c.ends[1]};
  const std::string line(100'000, 'x');
  for (int i = 0; i < 20; ++i) r.out.append({}, line);
  r.poll();
  std::size_t got = 0;
  while (got < 20 * line.size()) {
    got += c.read_some().size();
    r.poll();
  }
  CHECK(got == 20 * line.size());
}

TEST_CASE("a pipe whose reader is gone ends the output, also when nothing is written") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  running r{c.ends[1]};
  CHECK_FALSE(r.broken);
  c.close_reader();
  r.poll();
  REQUIRE(r.broken);
  CHECK(*r.broken == "its reader closed it");
}

TEST_CASE("a file takes everything at once") {
  char path[] = "/tmp/duplexd-output-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  {
    running r{file};
    r.out.append({}, "line\n");
    r.poll();
  }
  char buffer[16] = {};
  CHECK(pread(file, buffer, sizeof buffer, 0) == 5);
  CHECK(std::string{buffer} == "line\n");
  close(file);
  unlink(path);
}

// As on a full disk. The file is not ours alone: what stands there stays, and the line is finished later.
TEST_CASE("a file that is full for a while gets every byte once") {
  std::signal(SIGXFSZ, SIG_IGN);
  char path[] = "/tmp/duplexd-output-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  const auto content = [&] {
    std::string all(4096, '\0');
    const auto count = pread(file, all.data(), all.size(), 0);
    all.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return all;
  };
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  running r{file};
  r.out.append({}, "first\nsecond\n");
  r.poll();
  const std::string half = content();
  const std::string why = r.out.held_up();
  r.out.append({}, "third\n");
  r.poll();
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(half == "first\nseco");
  CHECK(why == "File too large");
  CHECK(r.log.lines ==
        std::vector<std::string>{"output o failed: File too large; events wait, next attempt in 0.5 s"});
  CHECK_FALSE(r.broken);
  CHECK(r.out.waiting() == 9);
  bool written = false;
  asio::co_spawn(
      r.loop,
      [](line_output& out, bool& done) -> asio::awaitable<void> {
        co_await out.wait_written();
        done = true;
      }(r.out, written),
      [](const std::exception_ptr&) {});
  r.loop.restart();
  while (!written && r.loop.run_one_for(std::chrono::seconds(10)) != 0) {
  }
  CHECK(content() == "first\nsecond\nthird\n");
  CHECK(r.out.held_up().empty());
  close(file);
  unlink(path);
}

namespace {

asio::awaitable<void> wait_room(line_output& out, bool& ended) {
  co_await out.wait_room();
  ended = true;
}

asio::awaitable<void> wait_written(line_output& out, bool& ended) {
  co_await out.wait_written();
  ended = true;
}

/// A pipe that takes nothing more.
std::size_t fill(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  const std::string page(4096, '.');
  std::size_t size = 0;
  for (auto count = write(descriptor, page.data(), page.size()); count > 0;
       count = write(descriptor, page.data(), page.size()))
    size += static_cast<std::size_t>(count);
  fcntl(descriptor, F_SETFL, flags);
  return size;
}

const auto ignore = [](const std::exception_ptr&) {};

}  // namespace

TEST_CASE("producers are held back above high water, and until that is written") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  const std::size_t filled = fill(c.ends[1]);
  running r{c.ends[1]};
  bool room = false;
  bool written = false;
  r.out.append({}, std::string(line_output::high_water, 'x'));
  r.poll();
  CHECK(r.out.has_room());
  asio::co_spawn(r.loop, wait_room(r.out, room), ignore);
  r.poll();
  CHECK(room);
  r.out.append({}, "y");
  CHECK_FALSE(r.out.has_room());
  room = false;
  asio::co_spawn(r.loop, wait_room(r.out, room), ignore);
  asio::co_spawn(r.loop, wait_written(r.out, written), ignore);
  r.poll();
  CHECK_FALSE(room);
  CHECK_FALSE(written);
  std::size_t got = 0;
  while (got < filled + line_output::high_water + 1) {
    const bool before = room;
    got += c.read_some().size();
    r.poll();
    if (!before && room) CHECK(r.out.has_room());
  }
  r.poll();
  CHECK(room);
  CHECK(written);
  CHECK_FALSE(r.broken);
}

TEST_CASE("nobody waits for what was written already") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  running r{c.ends[1]};
  bool written = false;
  asio::co_spawn(r.loop, wait_written(r.out, written), ignore);
  r.poll();
  CHECK(written);
  r.out.append({}, "one\n");
  written = false;
  asio::co_spawn(r.loop, wait_written(r.out, written), ignore);
  r.poll();
  CHECK(written);
  CHECK(c.read_some() == "one\n");
}

// Nobody must wait for an output that is gone, and nothing is kept for it.
TEST_CASE("a broken output holds nobody up") {
  std::signal(SIGPIPE, SIG_IGN);
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  fill(c.ends[1]);
  running r{c.ends[1]};
  r.out.append({}, std::string(line_output::high_water + 1, 'x'));
  bool room = false;
  bool written = false;
  asio::co_spawn(r.loop, wait_room(r.out, room), ignore);
  asio::co_spawn(r.loop, wait_written(r.out, written), ignore);
  r.poll();
  CHECK_FALSE(room);
  CHECK_FALSE(written);
  c.close_reader();
  r.poll();
  REQUIRE(r.broken);
  CHECK(room);
  CHECK(written);
  CHECK(r.out.has_room());
  r.out.append({}, "more");
  written = false;
  asio::co_spawn(r.loop, wait_written(r.out, written), ignore);
  r.poll();
  CHECK(written);
}

TEST_CASE("why an output broke is told in the system's words") {
  const int full = open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  running r{full};
  CHECK_FALSE(r.broken);
  r.out.append({}, "line\n");
  r.poll();
  REQUIRE(r.broken);
  CHECK(*r.broken == "No space left on device");
  close(full);
  running bad{-1};
  bad.out.append({}, "line\n");
  bad.poll();
  REQUIRE(bad.broken);
  CHECK(*bad.broken == "Bad file descriptor");
}

TEST_CASE("a socket whose reader is gone ends the output without a signal") {
  channel c;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, c.ends) == 0);
  const auto before = std::signal(SIGPIPE, SIG_DFL);
  running r{c.ends[1]};
  c.close_reader();
  r.poll();
  CHECK_FALSE(r.broken);  // it shows at the first write
  r.out.append({}, "line\n");
  r.poll();
  std::signal(SIGPIPE, before);
  REQUIRE(r.broken);
  CHECK(*r.broken == "Broken pipe");
  CHECK((fcntl(c.ends[1], F_GETFL) & O_NONBLOCK) == 0);
}

// A pipe that cannot be reopened: it has no reader then, or is another user's.
TEST_CASE("a shared pipe is written in portions that do not block") {
  channel c;
  REQUIRE(pipe(c.ends) == 0);
  c.close_reader();
  running r{c.ends[1], false};
  const std::string again = "/proc/self/fd/" + std::to_string(c.ends[1]);
  c.ends[0] = open(again.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(c.ends[0] >= 0);
  r.start();
  std::string sent;
  for (int i = 0; i < 40'000; ++i) sent += std::to_string(i) + "\n";
  r.out.append({}, sent);
  r.poll();
  CHECK((fcntl(c.ends[1], F_GETFL) & O_NONBLOCK) == 0);
  std::string got;
  while (got.size() < sent.size()) {
    got += c.read_some();
    r.poll();
  }
  CHECK(got == sent);
  CHECK_FALSE(r.broken);
}

TEST_CASE("an output that is told to end says nothing") {
  channel c;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, c.ends) == 0);
  asio::io_context loop{1};
  recorded_telemetry log;
  line_output out{loop.get_executor(), log, "o", c.ends[1]};
  task_group<std::string> tasks{loop.get_executor()};
  std::optional<std::string> why;
  tasks.spawn(0, out.run());
  const auto poll = [&] {
    loop.restart();
    while (loop.poll() != 0) {
    }
  };
  poll();
  tasks.cancel_all();
  auto take = [](task_group<std::string>& from, std::optional<std::string>& ending) -> asio::awaitable<void> {
    auto ended = co_await from.next();
    ending = std::move(ended.how);
  };
  asio::co_spawn(loop, take(tasks, why), ignore);
  poll();
  REQUIRE(why);
  CHECK(why->empty());
}
