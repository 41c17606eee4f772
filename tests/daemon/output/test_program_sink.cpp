// Programs that get events: what becomes of records, of what the programs say, and of the programs.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "daemon/output/exec_output.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/output/event_records.hpp"
#include "tests/daemon/output/scripted_streams.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

config::output_settings shell(const std::string& command) {
  config::output_settings made{.name = "o", .type = config::output_type::exec};
  for (const std::string& each : {std::string("/bin/sh"), std::string("-c"), command})
    made.program.emplace_back(each);
  return made;
}

/// An output with a real program, on virtual time.
struct program_sink_scene {
  /// `$D` in the command is a directory of its own.
  explicit program_sink_scene(const std::string& command) {
    config::output_settings settings = shell(command);
    settings.environment.emplace_back("D", place.path().string());
    start(settings);
  }
  explicit program_sink_scene(const config::output_settings& settings) { start(settings); }

  void start(const config::output_settings& settings) {
    std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
    out.emplace(context, settings);
    tasks.spawn(0, out->run());
  }
  ~program_sink_scene() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    until([this] { return tasks.running() == 0; });
  }

  /// Runs the loop in real time, while no virtual time passes.
  template <class Condition>
  bool until(Condition is_true) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!is_true() && std::chrono::steady_clock::now() < end) {
      loop.restart();
      if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
    }
    return is_true();
  }
  bool says(std::size_t count) {
    return until([&] { return log.lines.size() >= count; });
  }
  void add(const std::string& text) { out->append(reply_event(), text); }
  bool there(const std::string& name) {
    return until([&] { return file(name).ends_with('\n'); });
  }
  bool runs(const std::string& file_with_pid) const { return ::kill(std::stoi(file(file_with_pid)), 0) == 0; }
  std::string file(const std::string& name) const {
    std::ifstream in(place.path() / name);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  net::test::temporary_directory place;
  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry log;
  secret_index secrets;
  scripted_http nobody;
  scripted_streams streams;
  output_context context{.loop = loop.get_executor(),
                         .time = time,
                         .log = log,
                         .random = [] { return 0.5; },
                         .secrets = secrets,
                         .http = nobody,
                         .streams = streams};
  std::optional<exec_output> out;
  task_group<std::string> tasks{loop.get_executor()};
};

}  // namespace

TEST_CASE("records reach the program whole and in order, whatever a pipe holds", "[program]") {
  program_sink_scene s{"cat > $D/got"};
  const std::string large(200'000, 'x');
  s.add("first\n");
  s.add(large + "\n");
  s.add("last\n");
  const std::string all = "first\n" + large + "\nlast\n";
  CHECK(s.until([&] { return s.file("got").size() >= all.size(); }));
  CHECK(s.file("got") == all);
  CHECK(s.until([&] { return s.out->waiting() == 0; }));
  CHECK(s.log.lines.empty());
}

// What the pipe had taken is lost with it; what it had taken in part is not, and is not given in part.
TEST_CASE("a program that dies costs what it was given, and no more", "[program]") {
  program_sink_scene s{
      "[ -e $D/mark ] && exec cat > $D/second; echo > $D/mark; head -c 6 > $D/first; exit 3"};
  const std::string large(200'000, 'x');
  s.add("first\n");
  s.add(large);
  s.add("last\n");
  REQUIRE(s.says(1));
  CHECK(s.log.lines[0] ==
        "output o failed: the program ended: exit code 3; events wait, next attempt in 0.4 s");
  CHECK(s.out->held_up() == "the program ended: exit code 3");
  s.time.run_for(1s);
  CHECK(s.until([&] { return s.file("second").size() >= large.size() + 5; }));
  CHECK(s.file("first") == "first\n");
  CHECK(s.file("second") == large + "last\n");
}

TEST_CASE("a program is started again with growing pauses until it has run for a while", "[program]") {
  program_sink_scene s{
      "echo x >> $D/starts; [ $(wc -l < $D/starts) -gt 3 ] && exec cat > /dev/null; kill -9 $$"};
  auto span = 375ms;
  std::size_t starts = 0;  // counted here: a program may have ended before its start is over
  for (const char* pause : {"0.4", "0.8", "1.5"}) {
    REQUIRE(s.says(++starts));
    CHECK(
        s.log.lines.back() ==
        std::string("output o failed: the program ended: killed by signal 9; events wait, next attempt in ") +
            pause + " s");
    s.time.run_for(span);  // and no longer: the next one may have ended by then
    span *= 2;
  }
  REQUIRE(s.until([&] { return s.file("starts").size() == 8; }));
  CHECK(s.log.lines.size() == 3);
  s.time.run_for(program_sink::steady);
  CHECK(s.log.lines.back() == "output o works again");
  CHECK(s.out->held_up().empty());
}

TEST_CASE("a program that is not there is told, and tried again", "[program]") {
  config::output_settings settings{.name = "o", .type = config::output_type::exec};
  SECTION("no file") {
    settings.program.emplace_back("/no/such/program");
    program_sink_scene s{settings};
    REQUIRE(s.says(1));
    CHECK(s.log.lines[0].starts_with(
        "output o failed: it cannot be started: No such file or directory; events"));
    s.time.run_for(1s);
    CHECK(s.says(2));
  }
  SECTION("no secret") {
    settings = shell("true");
    settings.environment.emplace_back("K", config::text_template("${env:DUPLEXD_NONE}"));
    program_sink_scene s{settings};
    REQUIRE(s.says(1));
    CHECK(
        s.log.lines[0].starts_with("output o failed: env.K: ${env:DUPLEXD_NONE}: the environment variable"));
  }
}

TEST_CASE("a program that closes its input is ended and started again", "[program]") {
  program_sink_scene s{"exec 0<&-; echo > $D/ready; exec sleep 1000"};
  REQUIRE(s.there("ready"));
  s.add("x\n");
  REQUIRE(s.until([&] {
    s.time.run_for(100ms);
    return !s.log.lines.empty();
  }));
  CHECK(s.log.lines[0].starts_with(
      "output o failed: the program closed its standard input: killed by signal 15; events wait"));
  CHECK(s.out->waiting() != 0);
}

// At the bound and one beyond.
TEST_CASE("what a program says is logged, and bounded", "[program]") {
  SECTION("the number of lines") {
    program_sink_scene s{"for i in $(seq 101); do echo line $i >&2; done; echo also this; exit 1"};
    REQUIRE(s.says(program_sink::line_burst + 2));
    // Of two pipes, either may be read first.
    std::size_t seen = 0;
    for (std::size_t i = 0; i < program_sink::line_burst; ++i)
      if (s.log.lines[i] != "output o: also this")
        CHECK(s.log.lines[i] == "output o: line " + std::to_string(++seen));
    CHECK(seen >= program_sink::line_burst - 1);
    CHECK(s.log.lines[program_sink::line_burst] == "output o: (2 lines were left out)");
    CHECK(s.log.lines.back().starts_with("output o failed: the program ended: exit code 1"));
  }
  SECTION("their length") {
    program_sink_scene s{
        "head -c 8192 /dev/zero | tr '\\0' x >&2; echo >&2; head -c 8193 /dev/zero | tr '\\0' x >&2; echo "
        ">&2"};
    REQUIRE(s.says(3));
    CHECK(s.log.lines[0] == "output o: " + std::string(program_sink::longest_line, 'x'));
    CHECK(s.log.lines[1] == "output o: (a line of more than 8192 bytes)");
  }
}

TEST_CASE("what a program prints can be somebody else's", "[program]") {
  config::output_settings settings = shell("echo one; echo two >&2; echo three; exec cat > /dev/null");
  settings.answers = config::program_answers::commands;
  struct answered {
    static asio::awaitable<void> take(std::vector<std::string>& to, std::string from, line_input& lines) {
      auto line = co_await lines.next();
      while (line) {
        to.push_back(from + ": " + line->text);
        line = co_await lines.next();
      }
    }
  };
  std::vector<std::string> taken;
  program_sink_scene s{"exec cat > /dev/null"};  // its context is what the other needs
  output_context context = s.context;
  context.take_commands = [&](std::string from, line_input& lines) {
    return answered::take(taken, std::move(from), lines);
  };
  exec_output out{context, settings};
  s.tasks.spawn(1, out.run());
  CHECK(s.until([&] { return taken.size() == 2 && s.log.lines.size() == 1; }));
  CHECK(taken == std::vector<std::string>{"o: one", "o: three"});
  CHECK(s.log.lines == std::vector<std::string>{"output o: two"});
  s.tasks.cancel(1);
  CHECK(s.until([&] { return s.tasks.running() == 1; }));
}

TEST_CASE("at the end the program reads all, and ends by itself", "[program]") {
  program_sink_scene s{"cat > $D/got; echo whole >> $D/got"};
  s.add("x\n");
  bool done = false;
  asio::co_spawn(s.loop, s.out->finish(s.time.now() + 8s), [&](const std::exception_ptr&) { done = true; });
  CHECK(s.until([&] { return done; }));
  CHECK(s.file("got") == "x\nwhole\n");
  CHECK(s.out->waiting() == 0);
  s.time.run_for(60s);
  CHECK(s.log.lines.empty());  // it was not started again
}

TEST_CASE("at the end a program that goes on is asked, then killed", "[program]") {
  bool done = false;
  const auto finish = [&done](program_sink_scene& s) {
    asio::co_spawn(s.loop, s.out->finish(s.time.now() + 8s), [&](const std::exception_ptr&) { done = true; });
    s.time.run_for(3900ms);
    CHECK_FALSE(done);
  };
  SECTION("asked") {
    program_sink_scene s{
        "trap 'echo asked > $D/asked; exit' TERM; echo $$ > $D/pid; while :; do sleep 0.02; done"};
    REQUIRE(s.there("pid"));
    finish(s);
    CHECK(s.file("asked").empty());
    s.time.run_for(200ms);
    CHECK(s.until([&] { return done; }));
    CHECK(s.file("asked") == "asked\n");
  }
  SECTION("killed") {
    program_sink_scene s{"trap '' TERM; echo $$ > $D/pid; while :; do sleep 0.02; done"};
    REQUIRE(s.there("pid"));
    finish(s);
    s.time.run_for(3s);
    CHECK_FALSE(done);
    CHECK(s.runs("pid"));
    s.time.run_for(200ms);
    CHECK(s.until([&] { return done; }));
    CHECK_FALSE(s.runs("pid"));
  }
  SECTION("with records that it did not read") {
    program_sink_scene s{"echo $$ > $D/pid; exec sleep 1000"};
    REQUIRE(s.there("pid"));
    s.add(std::string(200'000, 'x'));
    finish(s);  // half of the time is for them
    s.time.run_for(2s);
    CHECK_FALSE(done);
    s.time.run_for(200ms);
    CHECK(s.until([&] { return done; }));
    CHECK(s.out->waiting() != 0);
  }
}

// The whole group: what it has started must not outlive the daemon either.
TEST_CASE("the end of the process kills the program and what it has started", "[program]") {
  program_sink_scene s{"sleep 1000 & echo $! > $D/child; echo $$ > $D/pid; exec sleep 1000"};
  REQUIRE(s.there("pid"));
  s.out->kill();
  CHECK(s.says(1));
  CHECK_FALSE(s.runs("pid"));
  CHECK(s.until([&] { return !s.runs("child"); }));
}
