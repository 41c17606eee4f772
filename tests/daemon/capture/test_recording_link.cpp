// What a recorded link writes down, and what it does not: nothing that the link ignored, nothing twice.
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/capture/recorder.hpp"
#include "daemon/capture/recording_dialer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using config::fault_class;

namespace {

std::vector<capture_entry> entries_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string why;
  auto read = read_capture(file, why);
  INFO(why);
  REQUIRE(read);
  return *read;
}

/// Where a link is recorded to.
struct studio {
  net::test::temporary_directory directory;
  std::string path = (directory.path() / "capture.jsonl").string();
  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry telemetry;
  secret_index secrets;
  secret_holder holder{secrets};
  std::string why;
  std::optional<recorder> to{std::in_place, loop.get_executor(),          time, telemetry,
                             secrets,       capture_file::open(path, why)};
  scripted_dialer plain;
  const std::string session = "desk";
  recording_dialer links{plain, *to, session};
  std::shared_ptr<scripted_server> server = std::make_shared<scripted_server>(loop.get_executor());

  dial_result dial() {
    dial_result result;
    dial_request request;
    asio::co_spawn(loop, links.dial(std::move(request)), [&](const std::exception_ptr& bug, dial_result got) {
      if (bug) std::rethrow_exception(bug);
      result = std::move(got);
    });
    loop.restart();
    loop.run();
    return result;
  }

  std::unique_ptr<transport> link() {
    plain.answers.emplace_back(
        [this](const dial_request&) { return std::make_unique<scripted_link>(server); });
    auto result = dial();
    return std::get<std::unique_ptr<transport>>(std::move(result));
  }

  void finish(transport& link) {
    asio::co_spawn(loop, link.finish(1s), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
    loop.restart();
    loop.run();
  }

  /// What was written, without waiting for the loop.
  std::vector<capture_entry> written() {
    to.reset();
    return entries_of(path);
  }
};

protocol::frame_view view(const message& what) {
  return {what.kind, {reinterpret_cast<const std::uint8_t*>(what.bytes.data()), what.bytes.size()}};
}

void read_all(transport& link) {
  protocol::frame_view ignored;
  while (link.next(ignored) || link.end_is_next()) {
  }
}

std::string events_of(const std::vector<capture_entry>& all) {
  std::string text;
  for (const auto& each : all) {
    const bool out = each.way == capture_way::out;
    if (each.event == capture_event::opened) text += "opened ";
    if (each.event == capture_event::message) text += (out ? ">" : "<") + each.bytes.value_or("?") + ' ';
    if (each.event == capture_event::close) text += (out ? "closes " : "closed ");
    if (each.event == capture_event::ended) text += "ended(" + each.fault + ')';
  }
  return text;
}

}  // namespace

TEST_CASE("a link's messages and both close frames are written once, in their order", "[recording]") {
  studio here;
  auto link = here.link();
  const message one = text("one");
  link->put(view(one));
  here.server->say(text("two"));
  read_all(*link);
  link->close({1000, "bye"});
  link->put(view(one));  // ignored by every link
  link->close({1001, "again"});
  read_all(*link);
  read_all(*link);
  here.finish(*link);
  link.reset();
  const auto all = here.written();
  CHECK(events_of(all) == "opened >one <two closes closed ended()");
  CHECK(all.at(3).reason.code == 1000);
  CHECK(all.at(3).reason.text == "bye");
  for (const auto& each : all) CHECK(each.session == "desk");
}

TEST_CASE("a close by the peer, our answer and what it means are written down, and nothing after it",
          "[recording]") {
  studio here;
  auto link = here.link();
  here.server->close({4001, "enough"});
  read_all(*link);
  REQUIRE(link->ended());
  const message late = text("late");
  link->put(view(late));
  link->close({1000, "late"});
  link.reset();
  const auto all = here.written();
  CHECK(events_of(all) == "opened closed closes ended(closed)");
  CHECK(all.at(1).reason.code == 4001);
  CHECK(all.at(1).reason.text == "enough");
  CHECK(all.at(2).reason.code == 4001);
  CHECK(all.at(2).reason.text.empty());
  CHECK(all.at(3).cause == "the server closed the link with code 4001, enough");
}

TEST_CASE("a fault that ended a link is written down without its secrets", "[recording]") {
  studio here;
  here.holder.take("token", config::secret_origin::read);
  auto link = here.link();
  here.server->vanish({.kind = fault_class::lost, .cause = "no token any more"});
  read_all(*link);
  link.reset();
  const auto all = here.written();
  CHECK(events_of(all) == "opened ended(lost)");
  CHECK(all.at(1).cause == "no *** any more");
}

TEST_CASE("a link that is dropped has an end, too", "[recording]") {
  studio here;
  here.link().reset();
  CHECK(events_of(here.written()) == "opened ended()");
}

TEST_CASE("a dial that failed is not recorded and its fault is passed on", "[recording]") {
  studio here;
  here.plain.answers.emplace_back(
      [](const dial_request&) { return fault{.kind = fault_class::connect, .cause = "refused"}; });
  const auto result = here.dial();
  REQUIRE(std::holds_alternative<fault>(result));
  CHECK(std::get<fault>(result).cause == "refused");
  CHECK(here.written().empty());
}

// Bytes that hold a secret leave nothing but their size; texts lose the secret alone.
TEST_CASE("a message is redacted by its kind and its origin", "[recording]") {
  struct row {
    message what;
    bool confidential;
    std::optional<std::string> kept;
    bool redacted;
  };
  const row rows[] = {
      {text("hello"), false, "hello", false},        {text("a token"), false, "a ***", true},
      {text("a token"), true, "a ***", true},        {text("derived"), true, std::nullopt, true},
      {text("id 7"), false, "id 7", false},          {text("id 7"), true, "id ***", true},
      {binary("hello"), false, "hello", false},      {binary("a token"), false, std::nullopt, true},
      {binary("a token"), true, std::nullopt, true}, {binary("derived"), true, std::nullopt, true},
      {binary("id 7"), false, "id 7", false},        {binary("id 7"), true, std::nullopt, true},
  };
  studio here;
  here.holder.take("token", config::secret_origin::read);
  here.holder.take("7", config::secret_origin::read);
  for (const row& each : rows) {
    auto what = view(each.what);
    what.confidential = each.confidential;
    here.to->message("desk", capture_way::out, what);
  }
  const auto all = here.written();
  REQUIRE(all.size() == std::size(rows));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("row " << i);
    CHECK(all[i].bytes == rows[i].kept);
    CHECK(all[i].redacted == rows[i].redacted);
    CHECK(all[i].kind == rows[i].what.kind);
    CHECK(all[i].size == rows[i].what.bytes.size());  // as it was on the wire
  }
}

// A daemon that is killed loses one turn of its loop at most.
TEST_CASE("what was recorded is in the file after one turn of the loop", "[recording]") {
  studio here;
  here.to->opened("a");
  here.to->opened("b");
  CHECK(entries_of(here.path).empty());
  here.loop.restart();
  here.loop.run();
  CHECK(entries_of(here.path).size() == 2);
  here.to->opened("c");
  here.loop.restart();
  here.loop.run();
  CHECK(entries_of(here.path).size() == 3);
}

TEST_CASE("a capture's file is not a pipe, and no program that is started gets it", "[recording]") {
  const net::test::temporary_directory directory;
  const std::string pipe = (directory.path() / "pipe").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::string why;
  CHECK_FALSE(capture_file::open(pipe, why));
  CHECK(why == pipe + ": not a regular file");
  why.clear();
  const std::string path = (directory.path() / "capture.jsonl").string();
  const auto file = capture_file::open(path, why);
  REQUIRE(file);
  CHECK(file->path() == path);
  int found = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each.path(), gone) != path) continue;
    ++found;
    CHECK((fcntl(std::stoi(each.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(found == 1);
}
