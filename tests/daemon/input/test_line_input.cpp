// Lines from stdin, whatever it is.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>

#include "daemon/input/line_input.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using lines = std::vector<std::string>;

namespace {

constexpr std::size_t longest = 10;

/// Reads as long as there is something; "too long" stands for a line that is.
struct reading {
  asio::io_context loop{1};
  line_input in;
  lines got;
  std::vector<std::uint64_t> numbers;
  bool ended = false;

  explicit reading(int from) : in(loop.get_executor(), from, longest) {
    asio::co_spawn(loop, run(), [this](const std::exception_ptr&) { ended = true; });
  }
  asio::awaitable<void> run() {
    for (;;) {
      const auto line = co_await in.next();
      if (!line) co_return;
      got.push_back(line->too_long ? "too long" : line->text);
      numbers.push_back(line->number);
    }
  }
  void poll() {
    loop.restart();
    while (loop.poll() != 0) {
    }
  }
};

/// [0] is read, [1] is written.
struct channel {
  int ends[2] = {-1, -1};
  explicit channel(bool is_socket) {
    REQUIRE((is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : ::pipe(ends)) == 0);
  }
  ~channel() {
    ::close(ends[0]);
    end();
  }
  void say(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
};

}  // namespace

TEST_CASE("lines come as they are written, and the descriptor stays blocking for others") {
  channel c{GENERATE(true, false)};
  reading r{c.ends[0]};
  r.poll();
  CHECK(r.got.empty());
  c.say("one\ntw");
  r.poll();
  CHECK(r.got == lines{"one"});
  c.say("o\n\nthree\n4");
  r.poll();
  CHECK(r.got == lines{"one", "two", "", "three"});
  CHECK_FALSE(r.ended);
  CHECK((::fcntl(c.ends[0], F_GETFL) & O_NONBLOCK) == 0);
  c.end();
  r.poll();
  CHECK(r.got.back() == "4");
  CHECK(r.numbers == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(r.ended);
  CHECK(r.in.failed().empty());
}

// At the bound and one beyond; however long it is, nothing of it is kept.
TEST_CASE("lines that are too long are left out") {
  channel c{false};
  reading r{c.ends[0]};
  c.say(std::string(longest, 'x') + "\n" + std::string(longest + 1, 'x') + "\nafter\n");
  for (int i = 0; i < 100; ++i) {
    c.say(std::string(30'000, 'y'));
    r.poll();
  }
  c.say("\nlast");
  c.end();
  r.poll();
  CHECK(r.got == lines{std::string(longest, 'x'), "too long", "after", "too long", "last"});
  CHECK(r.numbers.back() == 5);
}

TEST_CASE("a line that is too long may be the last") {
  channel c{false};
  reading r{c.ends[0]};
  c.say(std::string(longest + 1, 'x'));
  r.poll();
  c.end();
  r.poll();
  CHECK(r.got == lines{"too long"});
}

TEST_CASE("a file is read to its end, and nothing else is an end at once") {
  char name[] = "/tmp/duplexd-test-lines-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i) + "\n";
  REQUIRE(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(::lseek(file, 0, SEEK_SET) == 0);
  reading r{file};
  r.poll();
  CHECK(r.ended);
  REQUIRE(r.got.size() == 30'000);
  CHECK(r.got.back() == "29999");
  ::close(file);
  ::unlink(name);
  const int null = ::open("/dev/null", O_RDONLY);
  reading empty{null};
  empty.poll();
  CHECK(empty.ended);
  CHECK(empty.got.empty());
  ::close(null);
}

TEST_CASE("what cannot be read says why") {
  const int directory = ::open("/tmp", O_RDONLY | O_DIRECTORY);
  reading r{directory};
  r.poll();
  CHECK(r.ended);
  CHECK(r.in.failed() == "Is a directory");
  ::close(directory);
}

TEST_CASE("waiting for a line can be cancelled") {
  channel c{false};
  asio::io_context loop{1};
  line_input in{loop.get_executor(), c.ends[0], longest};
  task_group<int> tasks{loop.get_executor()};
  bool ended = false;
  const auto wait = [&]() -> asio::awaitable<int> {
    ended = !co_await in.next();
    co_return 0;
  };
  tasks.spawn(0, wait());
  loop.poll();
  CHECK_FALSE(ended);
  tasks.cancel_all();
  loop.restart();
  loop.poll();
  CHECK(ended);
}
