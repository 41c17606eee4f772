// Records over a TCP connection that comes and goes.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>

#include "daemon/output/queued_output.hpp"
#include "daemon/output/stream_sink.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"
#include "tests/daemon/output/scripted_streams.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

config::output_settings peer_settings() {
  config::output_settings made{.name = "o", .type = config::output_type::tcp};
  made.address = {.secure = false, .host = "h", .port = 5170};
  return made;
}

struct stream_scene {
  explicit stream_scene(const config::output_settings& with = peer_settings())
      : out(loop.get_executor(), time, log, context.random, with,
            std::make_unique<stream_sink>(context, with, text_as_it_is)) {
    tasks.spawn(0, out.run());
  }
  ~stream_scene() { stop(); }
  void stop() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    time.run_for(0s);
  }
  void add(const std::string& text) {
    out.append(reply_event(), text);
    time.run_for(0s);
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry log;
  secret_index secrets;
  scripted_http http;
  scripted_streams streams;
  output_context context{.loop = loop.get_executor(),
                         .time = time,
                         .log = log,
                         .random = [] { return 0.5; },
                         .secrets = secrets,
                         .http = http,
                         .streams = streams};
  queued_output out;
  task_group<std::string> tasks{loop.get_executor()};
};

}  // namespace

TEST_CASE("records follow each other over one connection, which is made for the first of them", "[stream]") {
  stream_scene s;
  s.time.run_for(1h);
  CHECK(s.streams.asked.empty());
  s.add("a\n");
  s.add("b\n");
  REQUIRE(s.streams.made.size() == 1);
  CHECK(s.streams.made[0]->sent == lines{"a\n", "b\n"});
  CHECK(s.streams.asked[0].address.host == "h");
  CHECK(s.streams.asked[0].address.port == 5170);
  CHECK_FALSE(s.streams.asked[0].address.secure);
  CHECK(s.out.waiting() == 0);
  CHECK(s.log.lines.empty());
}

TEST_CASE("a connection with TLS is asked for as such", "[stream]") {
  auto with = peer_settings();
  with.tls = true;
  stream_scene s(with);
  s.add("a\n");
  CHECK(s.streams.asked.at(0).address.secure);
  CHECK(s.streams.asked.at(0).ca_file.empty());
  CHECK(s.streams.asked.at(0).cert_file.empty());
  CHECK(s.streams.asked.at(0).key_file.empty());
}

TEST_CASE("certificates are read from their references for each connection", "[stream]") {
  auto with = peer_settings();
  with.tls = true;
  with.ca_file = config::text_template("/a");
  with.cert_file = config::text_template("${env:DUPLEXD_TEST_CERTIFICATE}");
  with.key_file = config::text_template("/c");
  ::unsetenv("DUPLEXD_TEST_CERTIFICATE");
  stream_scene s(with);
  s.add("a\n");
  CHECK(s.streams.asked.empty());
  REQUIRE(s.log.lines.size() == 1);
  CHECK(s.log.lines[0].find("output o failed: cert_file: ") == 0);
  ::setenv("DUPLEXD_TEST_CERTIFICATE", "/b", 1);
  s.time.run_for(1s);
  ::unsetenv("DUPLEXD_TEST_CERTIFICATE");
  REQUIRE(s.streams.asked.size() == 1);
  CHECK(s.streams.asked[0].ca_file == "/a");
  CHECK(s.streams.asked[0].cert_file == "/b");
  CHECK(s.streams.asked[0].key_file == "/c");
  CHECK(s.streams.made.at(0)->sent == lines{"a\n"});
}

// It is tried again for ever, and nothing is lost meanwhile.
TEST_CASE("a peer that cannot be connected to is told with the next attempt", "[stream]") {
  stream_scene s;
  s.streams.refusal = "connection refused by h:5170";
  s.add("a\n");
  CHECK(s.log.lines == lines{"output o failed: connection refused by h:5170; events wait, next attempt in "
                             "0.4 s"});
  CHECK(s.out.held_up() == "connection refused by h:5170");
  s.add("b\n");
  s.time.run_for(24h);
  CHECK(s.streams.asked.size() > 2'000);
  s.streams.refusal.clear();
  s.time.run_for(31s);
  REQUIRE(s.streams.made.size() == 1);
  CHECK(s.streams.made[0]->sent == lines{"a\n", "b\n"});
  CHECK(s.log.lines.back() == "output o works again");
}

// Nothing is sent into a connection that is known to have ended.
TEST_CASE("a connection that ended while nothing was sent is made again", "[stream]") {
  stream_scene s;
  s.add("a\n");
  s.streams.made.at(0)->ended = "the peer ended the connection";
  s.add("b\n");
  REQUIRE(s.streams.made.size() == 2);
  CHECK(s.streams.made[0]->sent == lines{"a\n"});
  CHECK(s.streams.made[1]->sent == lines{"b\n"});
  CHECK(s.log.lines.empty());
}

TEST_CASE("what was not acknowledged goes whole over the next connection, in order", "[stream]") {
  stream_scene s;
  s.streams.next.answers = {"", "limit"};
  s.add("a\n");
  s.add("b\n");
  s.add("c\n");
  CHECK(s.out.waiting() > 0);
  CHECK(s.log.lines ==
        lines{"output o failed: h:5170: 30000 ms have passed; events wait, next attempt in 0.4 s"});
  s.streams.next.answers.clear();
  s.time.run_for(1s);
  REQUIRE(s.streams.made.size() == 2);
  CHECK(s.streams.made[0]->ended == "closed by us");
  CHECK(s.streams.made[1]->sent == lines{"b\n", "c\n"});
  CHECK(s.out.waiting() == 0);
}

TEST_CASE("so many bytes are sent at once, and one record may have more", "[stream]") {
  auto with = peer_settings();
  with.queue = 64u << 20;
  stream_scene s(with);
  const std::string half(stream_sink::at_once / 2, 'x');
  const std::string rest(stream_sink::at_once - half.size(), 'y');
  s.streams.next.answers = {"gone"};
  s.add("first");
  for (const std::string& each : {half, rest, std::string("z"), half, rest + "y", std::string("z"),
                                  std::string(2 * stream_sink::at_once, 'w')})
    s.add(each);
  s.streams.next.answers.clear();
  s.time.run_for(1s);
  CHECK(s.streams.made.at(1)->sent.at(0) == "first");
  lines sizes;
  for (const std::string& each : s.streams.made.at(1)->sent) sizes.push_back(std::to_string(each.size()));
  const std::string full = std::to_string(stream_sink::at_once);
  CHECK(sizes == lines{"5", full, std::to_string(1 + stream_sink::at_once + 1),
                       std::to_string(1 + 2 * stream_sink::at_once)});
}

TEST_CASE("an output that is told to end while it sends says nothing", "[stream]") {
  stream_scene s;
  s.streams.next.hangs = true;
  s.add("a\n");
  CHECK(s.out.writes());
  s.stop();
  CHECK_FALSE(s.out.writes());
  CHECK(s.streams.made.at(0)->ended == "closed by us");
  CHECK(s.log.lines.empty());
}

// It would keep the loop at work.
TEST_CASE("an idle connection is closed when the output ends", "[stream]") {
  stream_scene s;
  s.add("a\n");
  CHECK(s.streams.made.at(0)->ended.empty());
  s.stop();
  CHECK(s.streams.made.at(0)->ended == "closed by us");
}
