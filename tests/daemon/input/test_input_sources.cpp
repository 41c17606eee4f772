// Bytes of files and of inherited descriptors, as many as are asked for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <fstream>

#include "daemon/input/input_sources.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

namespace {

struct read_result {
  std::string bytes;
  std::string error;
  bool done = false;
};

/// Reads once, as far as that goes without anybody else doing something.
read_result read_once(asio::io_context& loop, byte_source& from, std::size_t size, bool wait) {
  read_result result;
  std::vector<std::uint8_t> out;
  asio::co_spawn(loop, from.read(out, size), [&](const std::exception_ptr& bug, std::string error) {
    if (bug) std::rethrow_exception(bug);
    result = {std::string(out.begin(), out.end()), std::move(error), true};
  });
  loop.restart();
  if (wait)
    loop.run();
  else
    loop.poll();
  return result;
}

struct temporary_file {
  explicit temporary_file(const std::string& bytes) {
    REQUIRE(::close(::mkstemp(path.data())) == 0);
    std::ofstream{path} << bytes;
  }
  ~temporary_file() { std::remove(path.c_str()); }
  std::string path = "/tmp/duplexd-test-XXXXXX";
};

}  // namespace

TEST_CASE("a file is read in the sizes that are asked for") {
  const temporary_file file{"0123456789"};
  asio::io_context loop{1};
  const auto source = make_file_source(loop.get_executor(), file.path);
  CHECK(read_once(loop, *source, 4, true).bytes == "0123");
  CHECK(read_once(loop, *source, 6, true).bytes == "456789");
  const auto end = read_once(loop, *source, 1, true);
  CHECK(end.done);
  CHECK(end.bytes.empty());
  CHECK(end.error.empty());
}

// A pipe would wait for its writer.
TEST_CASE("why a file cannot be streamed") {
  asio::io_context loop{1};
  const auto error = [&](const std::string& path) {
    return read_once(loop, *make_file_source(loop.get_executor(), path), 4, true).error;
  };
  CHECK(error("/tmp/duplexd-there-is-none") == "there is no such file");
  CHECK(error("/tmp") == "it is not a regular file");
  const temporary_file file{""};
  std::remove(file.path.c_str());
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  CHECK(error(file.path) == "it is not a regular file");
}

TEST_CASE("a pipe is read until there is as much as was asked for, or its end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  asio::io_context loop{1};
  const auto lease = std::make_shared<int>();
  auto source = make_inherited_source(loop.get_executor(), ends[0], lease);
  CHECK(lease.use_count() == 2);
  read_result result;
  std::vector<std::uint8_t> out;
  asio::co_spawn(loop, source->read(out, 4), [&](const std::exception_ptr&, std::string error) {
    result = {std::string(out.begin(), out.end()), std::move(error), true};
  });
  REQUIRE(::write(ends[1], "ab", 2) == 2);
  loop.poll();
  CHECK_FALSE(result.done);
  REQUIRE(::write(ends[1], "cdef", 4) == 4);
  loop.run();
  CHECK(result.bytes == "abcd");
  ::close(ends[1]);
  CHECK(read_once(loop, *source, 4, true).bytes == "ef");
  CHECK(read_once(loop, *source, 4, true).bytes.empty());
  source.reset();
  CHECK(lease.use_count() == 1);
  ::close(ends[0]);
}
