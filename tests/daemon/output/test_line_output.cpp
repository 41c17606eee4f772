#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/async/task_group.hpp"
#include "daemon/output/line_output.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

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
  line_output out;
  std::optional<std::string> broken;
  explicit running(int descriptor) : out(loop.get_executor(), descriptor) {
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
  r.out.append("one\n");
  r.out.append("two\n");
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
    r.out.append(line);
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
  for (int i = 0; i < 20; ++i) r.out.append(line);
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
  CHECK(*r.broken == "nobody reads it any more");
}

TEST_CASE("a file takes everything at once") {
  char path[] = "/tmp/duplexd-output-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  {
    running r{file};
    r.out.append("line\n");
    r.poll();
  }
  char buffer[16] = {};
  CHECK(pread(file, buffer, sizeof buffer, 0) == 5);
  CHECK(std::string{buffer} == "line\n");
  close(file);
  unlink(path);
}
