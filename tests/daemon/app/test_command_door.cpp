// Commands from outside, on their way to a session.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>

#include "daemon/app/command_door.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

struct command_door_scene {
  explicit command_door_scene(const std::string& more = "")
      : play{talk_yaml(
            "    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3s}, put: {offline: queue}}\n" +
            more)} {}
  stage play;
  command_door door{play.loop.get_executor(), play.time, play.telemetry, [this](const std::string& name) {
                      return name.empty() || name == "s" ? play.session : nullptr;
                    }};
  std::uint64_t number = 0;
  void take(const std::string& text) { take({.number = ++number, .text = text}); }
  void take(line_input::line line) {
    asio::co_spawn(play.loop, door.take(std::move(line)), asio::detached);
    play.run_for(0s);
  }

  /// The events of commands, without what they all have.
  lines ends() {
    lines found;
    for (const std::string& line : play.out.lines) {
      ordered_json event = ordered_json::parse(line);
      if (event["event"] != "command") continue;
      for (const char* each : {"v", "time", "session", "event"}) event.erase(each);
      found.push_back(event.dump());
    }
    return found;
  }
  lines complaints() const {
    lines found;
    for (const std::string& line : play.telemetry.lines)
      if (line.find("of the commands") != std::string::npos) found.push_back(line);
    return found;
  }
};

}  // namespace

TEST_CASE("each command comes to one end, which is an event") {
  command_door_scene s;
  auto server = s.play.accept();
  server->on_message = answer_gets;
  s.play.run_for(1s);
  s.take(R"({"command":"get","with":{"id":1},"id":"a"})");
  s.take(R"({"session":"s","command":"pong","id":2})");
  s.take(R"({"command":"pint","id":"c"})");
  s.play.run_for(1s);
  CHECK(s.door.unfinished() == 0);
  CHECK(
      s.ends() ==
      lines{
          R"({"id":"a","command":"get","state":"confirmed","reply":"got","data":{"op":"got","id":1,"value":10}})",
          R"({"id":"2","command":"pong","state":"written"})",
          R"({"id":"c","command":"pint","state":"refused","why":"the protocol has no such command"})"});
  server->on_message = [](scripted_server&, const message&) {};
  s.take(R"({"command":"get","with":{"id":3},"id":"d"})");
  CHECK(s.door.unfinished() == 1);
  s.play.run_for(5s);
  CHECK(s.ends().back() ==
        R"({"id":"d","command":"get","state":"timed out","why":"no reply confirmed it in time"})");
  s.play.session->stop();
  s.play.run_for(1s);
  s.take(R"({"command":"put","id":"e"})");
  CHECK(s.ends().back() == R"({"id":"e","command":"put","state":"refused","why":"the session has ended"})");
  CHECK(s.door.unfinished() == 0);
}

// Without a link yet it would be refused, and nobody could pipe a command into a daemon that starts.
TEST_CASE("a command waits until its session has tried to connect") {
  command_door_scene s;
  SECTION("logged in") {
    auto server = s.play.accept();
    s.take(R"({"command":"pong","id":"a"})");
    s.play.run_for(1s);
    CHECK(s.ends() == lines{R"({"id":"a","command":"pong","state":"written"})"});
  }
  SECTION("failed") {
    s.play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
    s.take(R"({"command":"pong","id":"a"})");
    s.play.run_for(1ms);
    CHECK(s.ends() == lines{R"({"id":"a","command":"pong","state":"refused","why":"there is no link"})"});
  }
  s.play.session->stop();
  s.play.run_for(1s);
}

TEST_CASE("lines that are not commands are told with their number") {
  command_door_scene s;
  s.take("");
  s.take("  \r");
  s.take("x");
  s.take(R"({"command":"get","session":"t"})");
  s.take(line_input::line{.number = 5, .too_long = true});
  const lines all = s.complaints();
  REQUIRE(all.size() == 3);
  CHECK(all[0].starts_with("line 3 of the commands is not valid: it is not JSON"));
  CHECK(all[1] == "line 4 of the commands is not valid: there is no session 't'");
  CHECK(all[2] == "line 5 of the commands is not valid: it has more than 1048576 bytes");
}

TEST_CASE("so many ids are remembered, and the oldest is forgotten for one more", "[bounds][volume]") {
  command_door_scene s;
  s.play.session->stop();
  s.play.run_for(1s);
  const auto is_repeated = [&](std::size_t id) {
    command_request what{.command = "put", .id = std::to_string(id)};
    return !s.door.enter(*s.play.session, what);
  };
  for (std::size_t id = 0; id < command_door::most_remembered; ++id) REQUIRE_FALSE(is_repeated(id));
  CHECK(is_repeated(0));
  CHECK_FALSE(is_repeated(command_door::most_remembered));
  CHECK(is_repeated(1));
  CHECK_FALSE(is_repeated(0));
}

// A submitter that does not know whether a command was taken sends it again, with the same id.
TEST_CASE("a repeated id is not sent again, for an hour") {
  command_door_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.take(R"({"command":"put","with":{"id":1},"id":"a"})");
  s.take(R"({"command":"put","with":{"id":1},"id":"a"})");
  s.take(R"({"command":"put","with":{"id":2}})");
  s.take(R"({"command":"put","with":{"id":2}})");  // without an id each is another one
  s.play.run_for(1s);
  CHECK(heard(*server) == lines{"put 1", "put 2", "put 2"});
  CHECK(s.complaints().size() == 1);
  s.play.run_for(1h);
  s.take(R"({"command":"put","with":{"id":3},"id":"a"})");
  s.play.run_for(1s);
  CHECK(heard(*server).back() == "put 3");
}

namespace {

/// What a program says: the end of a pipe, and the door that reads from the other.
struct spoken {
  spoken(command_door_scene& at, std::string output) {
    REQUIRE(::pipe(ends) == 0);
    lines_.emplace(at.play.loop.get_executor(), ends[0], command_door::longest_line);
    asio::co_spawn(at.play.loop, at.door.take_answers(std::move(output), *lines_),
                   [this](const std::exception_ptr&) { read_to_the_end = true; });
  }
  ~spoken() {
    if (ends[1] >= 0) ::close(ends[1]);
    ::close(ends[0]);
  }
  spoken(const spoken&) = delete;
  spoken& operator=(const spoken&) = delete;
  void say(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == ssize_t(text.size()));
  }
  void end() {
    ::close(ends[1]);
    ends[1] = -1;
  }

  int ends[2]{-1, -1};
  std::optional<line_input> lines_;
  bool read_to_the_end = false;
};

}  // namespace

TEST_CASE("what the program of an output says are commands, and complaints name it") {
  command_door_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  spoken partner{s, "partner"};
  spoken other{s, "other"};
  partner.say("{\"command\":\"put\",\"with\":{\"id\":1},\"id\":\"a\"}\nnonsense\n");
  s.play.run_for(1s);
  // Ids of different programs are apart, those of one are not.
  other.say("{\"command\":\"put\",\"with\":{\"id\":2},\"id\":\"a\"}\n");
  s.play.run_for(1s);
  partner.say("{\"command\":\"put\",\"with\":{\"id\":3},\"id\":\"a\"}\n");
  s.play.run_for(1s);
  CHECK(heard(*server) == lines{"put 1", "put 2"});
  lines told;
  for (const std::string& line : s.play.telemetry.lines)
    if (line.find("of the answers of output partner is not valid") != std::string::npos) told.push_back(line);
  REQUIRE(told.size() == 2);
  CHECK(told[0].starts_with("line 2 of the answers of output partner is not valid: it is not JSON"));
  CHECK(told[1] ==
        "line 3 of the answers of output partner is not valid: a command with the id 'a' came before; it is "
        "not sent again");
  CHECK(s.complaints().empty());
  SECTION("at the end of the daemon they are none any more") {
    s.door.close_answers();
    other.say("{\"command\":\"put\",\"with\":{\"id\":4}}\n");
    s.play.run_for(1s);
    CHECK(heard(*server).size() == 2);
    CHECK(s.play.telemetry.lines.back() ==
          "line 2 of the answers of output other is not valid: it came after the sessions had ended");
  }
  SECTION("its end is not the end of its commands") {
    partner.say("{\"command\":\"get\",\"with\":{\"id\":5},\"id\":\"b\"}\n");
    partner.end();
    s.play.run_for(1s);
    CHECK(partner.read_to_the_end);
    s.play.run_for(5s);
    CHECK(s.ends().back() ==
          R"({"id":"b","command":"get","state":"timed out","why":"no reply confirmed it in time"})");
  }
  partner.end();
  other.end();
  s.play.session->stop();
  s.play.run_for(1s);
}

// What one source asked for is told to nobody else.
TEST_CASE("an operator and a program may use one id") {
  command_door_scene s;
  lines told;
  s.door.watch([&](const std::string& /*session*/, const submission& what) {
    if (what.has_ended) told.push_back(what.source + " " + what.id + " " + what.data);
  });
  auto server = s.play.accept();
  server->on_message = answer_gets;
  s.play.run_for(1s);
  spoken partner{s, "partner"};
  partner.say("{\"command\":\"get\",\"with\":{\"id\":100},\"id\":\"7\"}\n");
  s.play.run_for(1s);
  command_request mine{.command = "get", .values = {{"id", 1}}, .id = "7"};
  CHECK(s.door.enter(*s.play.session, mine));
  s.play.run_for(1s);
  CHECK(told ==
        lines{R"(partner 7 {"op":"got","id":100,"value":1000})", R"( 7 {"op":"got","id":1,"value":10})"});
  partner.end();
  s.play.session->stop();
  s.play.run_for(1s);
}

TEST_CASE("as many commands of operators may be unfinished, and those of nobody else count") {
  command_door_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.take(R"({"command":"get","with":{"id":1}})");
  for (std::size_t i = 0; i < command_door::most_unfinished; ++i) {
    CHECK(s.door.has_room());
    command_request one{.command = "get", .values = {{"id", i}}};
    CHECK(s.door.enter(*s.play.session, one));
  }
  CHECK_FALSE(s.door.has_room());
  s.play.run_for(5s);  // nothing confirms them in time
  CHECK(s.door.has_room());
  s.play.session->stop();
  s.play.run_for(1s);
}

// One program that does not wait for its commands holds up no other.
TEST_CASE("while too many commands of a program are unfinished no more of it are read") {
  command_door_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  spoken eager{s, "eager"};
  std::string many;
  for (std::size_t i = 0; i < command_door::most_unfinished + 1; ++i)
    many += "{\"command\":\"get\",\"with\":{\"id\":" + std::to_string(i) + "}}\n";
  eager.say(many);
  s.play.run_for(1s);
  CHECK(heard(*server).size() == command_door::most_unfinished);
  s.take(R"({"command":"put","with":{"id":1}})");
  s.play.run_for(1s);
  CHECK(heard(*server).back() == "put 1");
  s.play.run_for(3s);
  CHECK(heard(*server).size() == command_door::most_unfinished + 2);
  eager.end();
  s.play.session->stop();
  s.play.run_for(10s);
}

TEST_CASE("made ids differ") {
  command_door_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  for (int i = 0; i < 3; ++i) s.take(R"({"command":"put","with":{"id":1}})");
  s.play.run_for(1s);
  std::set<std::string> ids;
  for (const std::string& each : s.ends()) ids.insert(ordered_json::parse(each)["id"].get<std::string>());
  CHECK(ids.size() == 3);
}

namespace {

/// What the sender of a message hears.
struct sender {
  explicit sender(command_door_scene& at, bool keeps = false) : s(at), comes_again(keeps) {}
  void send(const std::string& text, const std::string& id = "") {
    asio::co_spawn(s.play.loop,
                   s.door.take_message("bus",
                                       {.number = ++number,
                                        .text = text,
                                        .too_long = text == "long",
                                        .id = id,
                                        .comes_again = comes_again},
                                       [this](const command_news& news) {
                                         accepted += news.is_accepted ? 1 : 0;
                                         if (news.has_ended) ends.push_back(news.text);
                                         if (news.is_given_back) back.push_back(news.text);
                                       }),
                   asio::detached);
    s.play.run_for(0s);
  }
  command_door_scene& s;
  std::uint64_t number = 0;
  bool comes_again;
  int accepted = 0;
  lines ends;
  lines back;
};

}  // namespace

TEST_CASE("a message of a broker is accepted when its command is queued, and its sender hears of its end",
          "[broker]") {
  command_door_scene s;
  sender from{s};
  auto server = s.play.accept();
  s.play.run_for(1s);
  from.send(R"({"command":"get","with":{"id":1},"id":"a"})");
  CHECK(from.accepted > 0);
  CHECK(from.ends.empty());
  server->on_message = answer_gets;
  from.send(R"({"command":"get","with":{"id":2},"id":"b"})");
  s.play.run_for(10s);
  REQUIRE(from.ends.size() == 2);
  CHECK(from.ends[0] ==
        R"({"session":"s","id":"b","command":"get","state":"confirmed","ended":true,"reply":"got",)"
        R"("data":{"op":"got","id":2,"value":20}})");
  CHECK(from.ends[1] == R"({"session":"s","id":"a","command":"get","state":"timed out","ended":true,)"
                        R"("why":"no reply confirmed it in time"})");
  from.send(R"({"command":"get","with":{"id":2},"id":"b"})");
  REQUIRE(from.ends.size() == 3);
  CHECK(from.ends[2].find("a command with this id came before; it is not sent again") != std::string::npos);
}

TEST_CASE("a command without an id has that of its message, which makes it safe to deliver twice",
          "[broker]") {
  command_door_scene s;
  sender from{s};
  auto server = s.play.accept();
  server->on_message = answer_gets;
  s.play.run_for(1s);
  from.send(R"({"command":"get","with":{"id":1}})", "m");
  from.send(R"({"command":"get","with":{"id":2},"id":"a"})", "n");
  from.send("x", "o");
  s.play.run_for(10s);
  from.send(R"({"command":"get","with":{"id":1}})", "m");
  REQUIRE(from.ends.size() == 4);
  const auto end = [&](std::size_t which) {
    const auto told = ordered_json::parse(from.ends[which]);
    return told["id"].get<std::string>() + " " + told["state"].get<std::string>();
  };
  std::set<std::string> ends{end(0), end(1), end(2)};
  CHECK(ends == std::set<std::string>{"a confirmed", "m confirmed", "o refused"});
  CHECK(ordered_json::parse(from.ends[3])["id"] == "m");
  CHECK(from.ends[3].find("a command with this id came before; it is not sent again") != std::string::npos);
}

TEST_CASE("a message that is not a command is refused, and told with its number", "[broker]") {
  command_door_scene s;
  sender from{s};
  for (const char* text : {"x", "", "long", R"({"command":"get","session":"t","id":"c"})"}) from.send(text);
  REQUIRE(from.ends.size() == 4);
  CHECK(from.accepted == 4);
  const auto why = [&](std::size_t which) {
    const auto told = ordered_json::parse(from.ends[which]);
    CHECK(told["state"] == "refused");
    return told["why"].get<std::string>();
  };
  CHECK(why(0).starts_with("it is not JSON"));
  CHECK(why(1) == "it is empty");
  CHECK(why(2) == "it has more than 1048576 bytes");
  CHECK(why(3) == "there is no session 't'");
  CHECK(ordered_json::parse(from.ends[3])["id"] == "c");
  s.door.close_answers();
  from.send(R"({"command":"get"})");
  CHECK(why(4) == "it came after the sessions had ended");
  std::size_t told = 0;
  for (const std::string& line : s.play.telemetry.lines)
    told += line.starts_with("message ") &&
            line.find(" for output bus is not a valid command: ") != std::string::npos;
  CHECK(told == 5);
}

// Its id is not taken by that, and nobody else hears of it.
TEST_CASE("a message that comes again is given back while its session has no room", "[broker]") {
  command_door_scene s{"    outbox: {max: 2}\n"};
  std::size_t watched = 0;
  s.door.watch([&](const std::string&, const submission&) { ++watched; });
  sender from{s, true};
  s.play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  s.play.run_for(1ms);
  const std::string third = R"({"command":"put","with":{"id":3},"id":"c"})";
  from.send(R"({"command":"put","with":{"id":1},"id":"a"})");
  from.send(R"({"command":"put","with":{"id":2}})");
  CHECK(from.accepted == 2);
  for (int i = 0; i < 2; ++i) from.send(third);
  CHECK(from.back == lines(2, "session s: too many commands are waiting"));
  CHECK(watched == 2);
  CHECK(s.ends().empty());
  CHECK(s.play.session->counters().submitted == 2);
  auto server = s.play.accept();
  s.play.run_for(1min);
  REQUIRE(heard(*server) == lines{"put 1", "put 2"});
  from.send(third);
  s.play.run_for(1s);
  CHECK(heard(*server).back() == "put 3");
  CHECK(from.ends.size() == 3);
  from.send(third);
  CHECK(from.ends.size() == 4);
  CHECK(from.ends.back().find("came before") != std::string::npos);
  s.play.session->stop();
  s.play.run_for(1s);
  from.send(R"({"command":"put","id":"d"})");
  CHECK(from.back.back() == "session s: the session has ended");
  sender other{s};
  other.send(R"({"command":"put","id":"e"})");
  CHECK(other.back.empty());
  REQUIRE(other.ends.size() == 1);
  CHECK(other.ends[0].find("refused") != std::string::npos);
}
