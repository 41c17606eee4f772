// What a program writes, as a stream; and how it ends.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>

#include "daemon/process/program_source.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {

struct stream {
  std::vector<std::string> chunks;
  std::string error;
};

asio::awaitable<void> read_all(byte_source& from, std::size_t size, std::size_t most, stream& out) {
  std::vector<std::uint8_t> chunk;
  do {
    out.error = co_await from.read(chunk, size);
    if (!chunk.empty()) out.chunks.emplace_back(chunk.begin(), chunk.end());
  } while (chunk.size() == size && out.error.empty() && out.chunks.size() < most);
  co_await from.close();
}

stream read(const std::vector<std::string>& arguments, std::size_t size, std::size_t most = 100) {
  std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
  asio::io_context loop{1};
  const auto source = make_program_source(loop.get_executor(), {.arguments = arguments});
  stream all;
  asio::co_spawn(loop, read_all(*source, size, most, all), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
  loop.run();
  return all;
}

stream shell(const std::string& command, std::size_t size, std::size_t most = 100) {
  return read({"/bin/sh", "-c", command}, size, most);
}

using texts = std::vector<std::string>;

}  // namespace

// However the program cuts it.
TEST_CASE("a program's output comes in the sizes that are asked for") {
  CHECK(shell("printf abc; printf defg", 3).chunks == texts{"abc", "def", "g"});
  CHECK(shell("printf abcdef", 3).chunks == texts{"abc", "def"});
  CHECK(shell("true", 3).chunks.empty());
  CHECK(shell("cat", 3).error.empty());  // its input is empty
  const std::string much(300'000, 'x');
  CHECK(shell("head -c 300000 /dev/zero | tr '\\0' x", much.size() + 1).chunks == texts{much});
}

TEST_CASE("why a program's stream fails") {
  CHECK(shell("printf abcd; echo first >&2; echo no microphone >&2; exit 3", 2).error ==
        "exit code 3: no microphone");
  CHECK(shell("kill -9 $$", 2).error == "killed by signal 9");
  CHECK(read({"/there/is/none"}, 2).error == "it cannot be started: No such file or directory");
  CHECK(shell("printf abcd; exit 3", 2).chunks.front() == "ab");
}

TEST_CASE("a program that goes on is ended when its stream is closed") {
  const auto begin = std::chrono::steady_clock::now();
  const stream yes = shell("trap 'exit 0' TERM; while :; do echo y; done", 4, 2);
  CHECK(yes.chunks == texts{"y\ny\n", "y\ny\n"});
  CHECK(shell("trap '' TERM; while :; do echo y; done", 2, 1).chunks == texts{"y\n"});
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}
