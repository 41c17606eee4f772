// Steps that go through lists, and those that make events.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// The events without their times.
lines events(const stage& play) {
  lines all;
  for (const std::string& line : play.out.lines) {
    auto event = ordered_json::parse(line);
    CHECK(event["time"].get<std::string>().size() == 27);
    event.erase("time");
    all.push_back(event.dump());
  }
  return all;
}

const std::string putting = "do: {send: put, with: {id: '${var:n}'}}}}";

}  // namespace

TEST_CASE("the steps run for each element, in order") {
  const auto [in, sent] = GENERATE(table<std::string, lines>({
      {"[3, 1, 2]", {"put 3", "put 1", "put 2"}},
      {"['${var:a}', 7]", {"put 5", "put 7"}},
      {"'${var:list}'", {"put 1", "put 2"}},
      {"[]", {}},
  }));
  stage play{talk_yaml("    before: [{set: {a: 5, list: [1, 2]}}]\n    script: [{for_each: {in: " + in +
                       ", as: n, " + putting + "]\n"),
             true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(heard(*server) == sent);
  CHECK(end_of(play).empty());
}

TEST_CASE("what ends the steps of a list ends the list") {
  stage play{
      talk_yaml("    script: [{for_each: {in: [1, 2], as: n, do: [{send: put, with: {id: '${var:n}'}}, "
                "{fail: 'at ${var:n}'}]}}]\n"),
      true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(heard(*server) == lines{"put 1"});
  CHECK(end_of(play) == "script: at 1");
}

TEST_CASE("what is no list, and an element that is too large, are faults") {
  const auto [in, cause] = GENERATE(table<std::string, std::string>({
      {"'${var:a}'", "script: for_each: expected a list, found an integer"},
      {"'${var:none}'", "script: ${var:none}: the variable is not set"},
      {"['${var:b}${var:b}']",
       "script: n not saved: the variables would take more than 4096 bytes (limits.variables)"},
  }));
  INFO(in);
  stage play{
      talk_yaml("    limits: {variables: 4KiB}\n    before: [{set: {a: 1, b: " + std::string(1'900, 'x') +
                "}}, {if: {a: 2}, then: [{set: {none: 1}}]}]\n    script: [{for_each: {in: " + in +
                ", as: n, " + putting + "]\n"),
      true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(end_of(play) == cause);
  CHECK(heard(*server).empty());
}

// The steps of a long list that never wait leave turns for others.
TEST_CASE("a long list does not hold up the loop") {
  std::string list = "0";
  for (int i = 1; i < 2'000; ++i) list += ", " + std::to_string(i);
  stage play{talk_yaml("    script: [{for_each: {in: [" + list +
                       "], as: n, do: {set: {last: '${var:n}'}}}}, " +
                       "{send: put, with: {id: '${var:last}'}}]\n")};
  auto server = play.accept();
  unsigned turns = 0;
  while (heard(*server).empty() && turns < 10'000) {
    play.run_turns(1);
    ++turns;
  }
  CHECK(turns > 20);
  CHECK(heard(*server) == lines{"put 1999"});
}

TEST_CASE("an event that a step makes is like that of a reply") {
  stage play{
      talk_yaml(
          "    before: [{emit: {reply: tick, data: {id: 1}}}]\n"
          "    script:\n"
          "      - {emit: {reply: got, data: {id: '${time:unix}', value: \"\\u00e4\\\"\"}}}\n"
          "      - {for_each: {in: [a, [1], null], as: n, do: {emit: {reply: done, data: '${var:n}'}}}}\n"),
      true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(end_of(play).empty());
  const lines all = events(play);
  REQUIRE(all.size() == 5);
  CHECK(all[0] == R"({"v":1,"session":"s","event":"reply","reply":"tick","data":{"id":1}})");
  CHECK(all[1].starts_with(R"({"v":1,"session":"s","event":"reply","reply":"got","data":{"id":)"));
  CHECK(all[1].ends_with("\"value\":\"\u00e4\\\"\"}}"));
  CHECK(all[2] == R"({"v":1,"session":"s","event":"reply","reply":"done","data":"a"})");
  CHECK(all[3] == R"({"v":1,"session":"s","event":"reply","reply":"done","data":[1]})");
  CHECK(all[4] == R"({"v":1,"session":"s","event":"reply","reply":"done","data":null})");
}

TEST_CASE("steps that wait for replies do not get events that steps make") {
  stage play{talk_yaml("    on: [{reply: done, do: {send: pong}}]\n"
                       "    script: [{emit: {reply: done, data: {id: 1}}}, {expect: done, timeout: 1s}]\n"),
             true};
  auto server = play.accept();
  play.run_for(2s);
  CHECK(heard(*server).empty());
  CHECK(end_of(play).starts_with("script: no reply done within 1 s"));
}

// Memory stays bounded: a step waits for the outputs as the reader of the link does.
TEST_CASE("an event waits for room") {
  stage play{talk_yaml("    script: [{repeat: 3, do: {emit: {reply: tick, data: {}}}}, {send: put}]\n")};
  auto server = play.accept();
  play.out.full = true;
  play.run_for(1s);
  CHECK(play.out.lines.empty());
  CHECK(heard(*server).empty());
  play.out.full = false;
  play.out.changed.notify();
  play.run_for(1s);
  CHECK(play.out.lines.size() == 3);
  CHECK(heard(*server).size() == 1);
}

TEST_CASE("an event has at most as many bytes as a message") {
  const auto [size, end] = GENERATE(table<std::size_t, std::string>(
      {{1'022, ""},
       {1'023, "script: emit tick: the data has 1025 bytes, allowed are 1024 (limits.message)"}}));
  stage play{talk_yaml("    limits: {message: 1KiB}\n    script: [{emit: {reply: tick, data: " +
                       std::string(size, 'x') + "}}]\n"),
             true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(end_of(play) == end);
  CHECK(play.out.lines.size() == (end.empty() ? 1 : 0));
}
