// Files as outputs: on a real file system.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "daemon/output/file_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;
namespace fs = std::filesystem;
using names = std::set<std::string>;

namespace {

/// While it lives: the system calls of this program by which files come to the disk, in their order.
struct watched_calls {
  std::vector<std::string> made;
  static watched_calls* now;
  watched_calls() { now = this; }
  ~watched_calls() { now = nullptr; }
  watched_calls(const watched_calls&) = delete;
  watched_calls& operator=(const watched_calls&) = delete;
};
watched_calls* watched_calls::now = nullptr;

void note_call(const std::string& what) {
  if (watched_calls::now != nullptr) watched_calls::now->made.push_back(what);
}

bool is_folder(int file) {
  struct stat status{};
  return ::fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

// The linker prefers these to the C library's.
extern "C" int fdatasync(int file) {
  note_call("fdatasync");
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}
extern "C" int fsync(int file) {
  note_call(is_folder(file) ? "fsync folder" : "fsync");
  return static_cast<int>(::syscall(SYS_fsync, file));
}
extern "C" int rename(const char* from, const char* to) noexcept {
  note_call("rename to " + fs::path(to).extension().string());
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
extern "C" int unlink(const char* path) noexcept {
  const int made = static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (made == 0) note_call("unlink " + fs::path(path).extension().string());
  return made;
}

namespace {

/// A directory of its own.
struct place {
  fs::path path = fs::temp_directory_path() / ("duplexd-test-files-" + std::to_string(::getpid()));
  place() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~place() { fs::remove_all(path); }

  [[nodiscard]] file_writer writer(const std::string& pattern, config::output_settings settings = {}) const {
    std::string error;
    settings.path = (path / pattern).string();
    const auto parsed = config::path_pattern::parse(settings.path, error);
    REQUIRE(parsed.has_value());
    return {settings, *parsed};
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream in(path / name, std::ios::binary);
    return (std::stringstream{} << in.rdbuf()).str();
  }
  [[nodiscard]] names files() const {
    names found;
    for (const auto& each : fs::recursive_directory_iterator(path))
      if (each.is_regular_file()) found.insert(fs::relative(each.path(), path).string());
    return found;
  }
};

std::size_t written(file_writer& to, const record_batch& what) {
  const auto made = to.write(what);
  INFO(made.failed);
  CHECK(made.failed.empty());
  return made.written;
}

std::string unpacked(const std::string& text, bool zstd) {
  std::string out(1 << 20, '\0');
  if (zstd) {
    out.resize(ZSTD_decompress(out.data(), out.size(), text.data(), text.size()));
    return out;
  }
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 31) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("records go to the files that they name, which are made with their directories", "[file_writer]") {
  const place at;
  auto writer = at.writer("${session}/${reply}-%F");
  record_batch batch = batch_of({"1\n", "2\n"}, "tick");
  batch.add(reply_event("tock", "t"), "3\n");
  batch.add(reply_event("tick"), "4\n");
  CHECK(written(writer, batch) == 4);
  CHECK(at.text("s/tick-2026-11-21") == "1\n2\n4\n");
  CHECK(at.text("t/tock-2026-11-21") == "3\n");
  struct stat status{};
  REQUIRE(::stat((at.path / "s/tick-2026-11-21").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

// logrotate's `create` renames the file, `copytruncate` empties it.
TEST_CASE("a file that was renamed is begun again, one that was truncated goes on", "[file_writer]") {
  const place at;
  auto writer = at.writer("f");
  CHECK(written(writer, batch_of({"1\n"})) == 1);
  fs::rename(at.path / "f", at.path / "f.1");
  CHECK(written(writer, batch_of({"2\n"})) == 1);
  CHECK(at.text("f.1") == "1\n");
  CHECK(at.text("f") == "2\n");
  fs::resize_file(at.path / "f", 0);
  CHECK(written(writer, batch_of({"3\n"})) == 1);
  CHECK(at.text("f") == "3\n");
  fs::remove(at.path / "f");
  CHECK(written(writer, batch_of({"4\n"})) == 1);
  CHECK(at.text("f") == "4\n");
}

// The limit of a file's size stands for a full disk: a part of the write succeeds.
TEST_CASE("what does not fit is taken off again, so that only whole records stand in a file",
          "[file_writer]") {
  const place at;
  auto writer = at.writer("f");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto limit = [&](rlim_t bytes) {
    const rlimit now{bytes, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
  };
  limit(10);
  const auto made = writer.write(batch_of({"1234\n", "5678\n", "9\n", "a\n"}));
  limit(12);
  const auto more = writer.write(batch_of({"9\n", "abcdef\n"}));
  limit(before.rlim_cur);
  CHECK(made.written == 2);
  CHECK(made.failed == "cannot write " + (at.path / "f").string() + ": File too large");
  CHECK(more.written == 1);
  CHECK(at.text("f") == "1234\n5678\n9\n");
  CHECK(written(writer, batch_of({"abcdef\n"})) == 1);
  CHECK(at.text("f") == "1234\n5678\n9\nabcdef\n");
}

// What a full disk has taken counts as written: a power cut must not take it away.
TEST_CASE("what was written of a write that failed is on the disk when it counts", "[file_writer]") {
  const place at;
  config::output_settings settings;
  settings.durable = true;
  auto writer = at.writer("f", settings);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit now{10, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
  watched_calls calls;
  const auto made = writer.write(batch_of({"1234\n", "5678\n", "9\n"}));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(made.written == 2);
  CHECK(made.failed.ends_with("File too large"));
  CHECK(calls.made == std::vector<std::string>{"fsync folder", "fdatasync"});
}

TEST_CASE("a file is deleted when all that it held is on the disk in another one", "[file_writer]") {
  using calls_made = std::vector<std::string>;
  const place at;
  config::output_settings settings;
  settings.durable = GENERATE(true, false);
  settings.rotate.size = 10;
  settings.compress = GENERATE(config::file_compression::gzip, config::file_compression::zstd);
  const bool zstd = settings.compress == config::file_compression::zstd;
  auto writer = at.writer("f.jsonl", settings);
  const mode_t mask = ::umask(0);
  watched_calls calls;
  CHECK(written(writer, batch_of({"123456789\n"})) == 1);
  const auto made = calls.made;
  ::umask(mask);
  const std::string packed = zstd ? "rename to .zst" : "rename to .gz";
  if (settings.durable)
    CHECK(made == calls_made{"fsync folder", "fdatasync", "rename to .jsonl", "fsync", packed, "fsync folder",
                             "unlink .jsonl"});
  else
    CHECK(made == calls_made{"rename to .jsonl", packed, "unlink .jsonl"});
  REQUIRE(at.files().size() == 1);
  const std::string name = *at.files().begin();
  CHECK(fs::status(at.path / name).permissions() == fs::perms{0640});
  CHECK(unpacked(at.text(name), zstd) == "123456789\n");
}

TEST_CASE("what is not a file that can be written is told", "[file_writer]") {
  const place at;
  auto writer = at.writer("f");
  fs::create_directory(at.path / "f");
  CHECK(writer.write(batch_of({"1\n"})).failed ==
        "cannot open " + (at.path / "f").string() + ": Is a directory");
  fs::remove(at.path / "f");
  REQUIRE(::mkfifo((at.path / "f").c_str(), 0600) == 0);
  CHECK(writer.write(batch_of({"1\n"})).written == 0);  // nobody reads it: it does not hang
  const int reader = ::open((at.path / "f").c_str(), O_RDONLY | O_NONBLOCK);
  CHECK(writer.write(batch_of({"1\n"})).failed == (at.path / "f").string() + " is not a regular file");
  ::close(reader);
  fs::remove(at.path / "f");
  CHECK(written(writer, batch_of({"1\n"})) == 1);
}

TEST_CASE("a file ends at its size, and is packed", "[file_writer]") {
  const place at;
  const auto how = GENERATE(config::file_compression::none, config::file_compression::gzip,
                            config::file_compression::zstd);
  config::output_settings settings;
  settings.rotate.size = 10;
  settings.compress = how;
  auto writer = at.writer("f.jsonl", settings);
  CHECK(written(writer, batch_of({"12345678\n"})) == 1);
  CHECK(at.files() == names{"f.jsonl"});
  CHECK(written(writer, batch_of({"\n"})) == 1);
  const names ended = at.files();
  REQUIRE(ended.size() == 1);
  const std::string name = *ended.begin();
  CHECK(name.starts_with("f~2"));
  const bool packed = how != config::file_compression::none;
  const bool zstd = how == config::file_compression::zstd;
  CHECK(name.ends_with(zstd ? "Z.jsonl.zst" : packed ? "Z.jsonl.gz" : "Z.jsonl"));
  CHECK((packed ? unpacked(at.text(name), zstd) : at.text(name)) == "12345678\n\n");
  CHECK(written(writer, batch_of({"next\n"})) == 1);
  CHECK(at.text("f.jsonl") == "next\n");
}

// Several pieces of what is read at once, and not an exact number of them.
TEST_CASE("large files are packed whole", "[file_writer]") {
  const place at;
  config::output_settings settings;
  settings.rotate.size = 1;
  settings.compress = GENERATE(config::file_compression::gzip, config::file_compression::zstd);
  auto writer = at.writer("f", settings);
  const std::string text(700'000, 'x');
  CHECK(written(writer, batch_of({text})) == 1);
  const names ended = at.files();
  REQUIRE(ended.size() == 1);
  CHECK(unpacked(at.text(*ended.begin()), settings.compress == config::file_compression::zstd) == text);
}

TEST_CASE("ended files are deleted by number, size and age, the oldest first, and others are left alone",
          "[file_writer]") {
  const place at;
  config::output_settings settings;
  const auto make = [&](const std::string& name, int hours, std::size_t size) {
    std::ofstream(at.path / name) << std::string(size, 'x');
    fs::last_write_time(at.path / name, fs::file_time_type::clock::now() - std::chrono::hours{hours});
  };
  const auto old = [](int n) { return "f~2026112" + std::to_string(n) + "T000000.000000Z.jsonl"; };
  for (int n = 0; n < 4; ++n) make(old(n), 10 * (4 - n), 100);  // the last is the newest: 10 hours
  make("other.jsonl", 1000, 100);
  make("f.jsonl.bak", 1000, 100);
  SECTION("number") {
    settings.keep.files = 2;
  }
  SECTION("size") {
    settings.keep.size = 200;
  }
  SECTION("age") {
    settings.keep.age = std::chrono::hours{21};
  }
  auto writer = at.writer("f.jsonl", settings);
  CHECK(written(writer, batch_of({"1\n"})) == 1);
  writer.tidy();
  CHECK(at.files() == names{"f.jsonl", old(2), old(3), "other.jsonl", "f.jsonl.bak"});
}

TEST_CASE("a file ends at its age without being written", "[file_writer]") {
  const place at;
  config::output_settings settings;
  settings.rotate.age = std::chrono::hours{1};
  std::ofstream(at.path / "f") << "old\n";
  fs::last_write_time(at.path / "f", fs::file_time_type::clock::now() - std::chrono::hours{2});
  auto writer = at.writer("f", settings);
  CHECK(written(writer, batch_of({"1\n"})) == 1);
  CHECK(at.files().size() == 1);
  CHECK_FALSE(fs::exists(at.path / "f"));  // it was as old as that
  CHECK(written(writer, batch_of({"2\n"})) == 1);
  writer.tidy();
  CHECK(at.text("f") == "2\n");
}

// More than may be open at once, in turn.
TEST_CASE("any number of files is written, few are open", "[file_writer]") {
  const place at;
  auto writer = at.writer("${reply}");
  const auto open = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{});
  };
  const auto before = open();
  for (int round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < 2 * file_writer::most_open; ++i)
      CHECK(written(writer, batch_of({"x\n"}, "r" + std::to_string(i))) == 1);
  CHECK(at.files().size() == 2 * file_writer::most_open);
  CHECK(at.text("r0") == "x\nx\n");
  CHECK(open() - before <= static_cast<std::ptrdiff_t>(file_writer::most_open));
  writer.tidy();
  writer.tidy();  // nothing was written since
  CHECK(open() == before);
}

// What a kill left in the middle of a record; it is written again from the journal.
TEST_CASE("a durable file's half line is removed when it is opened", "[file_writer]") {
  const place at;
  const auto [text, left] =
      GENERATE(table<std::string, std::string>({{"a\nb", "a\n"},
                                                {"a\nb\n", "a\nb\n"},
                                                {"ab", ""},
                                                {"", ""},
                                                {"a\n" + std::string(70'000, 'x'), "a\n"},
                                                {std::string(200'000, 'x'), ""}}));
  for (const bool durable : {true, false}) {
    std::ofstream(at.path / "f", std::ios::trunc) << text;
    file_writer to = at.writer("f", {.name = "f", .durable = durable});
    CHECK(written(to, batch_of({"new\n"})) == 1);
    CHECK((at.text("f") == (durable ? left : text) + "new\n"));
  }
  std::ofstream(at.path / "f", std::ios::trunc) << "ab";
  file_writer raw =
      at.writer("f", {.name = "f", .record = {.form = config::record_form::raw}, .durable = true});
  CHECK(written(raw, batch_of({"c"})) == 1);
  CHECK(at.text("f") == "abc");
}
