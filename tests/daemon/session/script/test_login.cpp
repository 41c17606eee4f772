// The login, the script's end and the heartbeat: limits, and which class a fault has.
#include <algorithm>
#include <cstdlib>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

struct login_scene {
  explicit login_scene(const std::string& fields, bool once = true) : play(talk_yaml(fields), once) {}
  void answer(const std::string& to, const ordered_json& with) {
    server->on_message = [to, with](scripted_server& self, const message& what) {
      if (values_of(what).value("op", "") == to) self.say(say(with));
    };
  }
  [[nodiscard]] lines sent() const { return heard(*server); }
  [[nodiscard]] std::string end() const { return end_of(play); }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

}  // namespace

TEST_CASE("a login is a message, a command or steps, and only one that is answered is accepted") {
  const auto [login, first, accepted] = GENERATE(table<std::string, std::string, long>({
      {"{json: {op: hello}}", "hello", 0},
      {"{send: put, with: {id: 1}}", "put 1", 0},
      {"{send: get, expect: got}", "get", 1},
      {"{steps: [{call: get, reply: got}]}", "get", 1},
  }));
  login_scene s{"    login: " + login + "\n    script: [{send: pong}]\n"};
  s.answer("get", {{"op", "got"}});
  s.play.run_for(1s);
  CHECK(s.sent() == lines{first, "pong"});
  CHECK(logged(s.play, "s: login sent") == 1);
  CHECK(logged(s.play, "s: login accepted") == accepted);
  CHECK(s.end().empty());
}

TEST_CASE("a session without a login has none in its log") {
  login_scene s{"    script: [{send: pong}]\n"};
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"pong"});
  CHECK(logged(s.play, "login") == 0);
}

TEST_CASE("the login's reply is waited for so long") {
  login_scene s{
      "    timeouts: {login: 1500ms}\n    login: {json: {op: hello}, expect: [got, done]}\n"
      "    script: [{send: put, with: {id: '${reply:id}'}}]\n"};
  s.play.run_for(1499ms);
  CHECK(s.end() == "-");
  SECTION("it comes in time, and its values are there for the script") {
    s.server->say(say({{"op", "done"}, {"id", 8}}));
    s.play.run_for(1ms);
    CHECK(s.sent() == lines{"hello", "put 8"});
  }
  SECTION("it does not: nothing is said about the credentials") {
    s.play.run_for(1ms);
    CHECK(s.end() == "script: no reply got or done to the login within 1.5 s");
    CHECK(logged(s.play, "login accepted") == 0);
    CHECK(s.sent() == lines{"hello"});
  }
}

TEST_CASE("who rejects a login is shown, so much of it") {
  login_scene s{"    login: {json: {op: hello}, expect: done, where: {ok: true}, reject: got}\n"};
  SECTION("the reply that means that") {
    s.answer("hello", {{"op", "got"}, {"ok", true}});
    s.play.run_for(1s);
    CHECK(s.end() == R"(login_rejected: the server answered the login with got {"op": "got", "ok": true})");
  }
  SECTION("a reply with other values") {
    const std::string start = R"({"op": "done", "ok": ")";
    s.answer("hello", {{"op", "done"}, {"ok", std::string(300, 'x')}});
    s.play.run_for(1s);
    CHECK(s.end() == "login_rejected: the server answered the login with done " + start +
                         std::string(200 - start.size(), 'x'));
  }
  CHECK(logged(s.play, "login accepted") == 0);
}

TEST_CASE("another reply than the expected one rejects the login at once") {
  const auto [more, end] = GENERATE(table<std::string, std::string>({
      {"    login: {json: {op: hello}, expect: done}\n",
       R"(login_rejected: the server answered the login with tick {"op": "tick"})"},
      {"    login: {steps: [{send: get}], expect: done}\n",
       R"(login_rejected: the server answered the login with tick {"op": "tick"})"},
      // Another reply is named, or somebody else is there for this one.
      {"    login: {json: {op: hello}, expect: done, reject: got}\n", ""},
      {"    login: {json: {op: hello}, expect: done}\n    on: [{reply: tick, do: []}]\n", ""},
      {"    login: {json: {op: hello}, expect: done}\n    liveness: {fresh: [{reply: tick, within: 1h}]}\n",
       ""},
      {"    login: {json: {op: hello}, expect: done}\n    liveness: {sequence: [{reply: tick, field: n}]}\n",
       ""},
      {"    login: {json: {op: hello}, expect: done}\n"
       "    liveness: {heartbeat: {every: 1h, send: pong, expect: tick}}\n",
       ""},
      {"    login: {json: {op: hello}}\n", ""},
  }));
  login_scene s{more};
  s.server->say(say({{"op", "tick"}}));  // before anything was sent: no answer
  s.play.run_for(1ms);
  CHECK(s.end() == (more.find("expect") == std::string::npos ? "" : "-"));
  s.server->say(say({{"op", "tick"}}));
  s.server->say(say({{"op", "done"}}));
  s.play.run_for(1ms);
  INFO(more);
  CHECK(s.end() == end);
}

TEST_CASE("a reply that rejects the login ends its steps, whatever they wait for") {
  const auto [steps, end] = GENERATE(table<std::string, std::string>({
      {"[{sleep: 1s}]", R"(login_rejected: the server answered the login with got {"op": "got"})"},
      {"[{call: get, reply: done, timeout: 1s}]",
       R"(login_rejected: the server answered the login with got {"op": "got"})"},
      // This step takes it, as any other reply.
      {"[{call: get, reply: [done, got], timeout: 1s}, {sleep: 59m}]", "-"},
      {"[{call: get, reply: [done, got], check: {ok: true}, timeout: 1s}]",
       R"(login_rejected: the reply got is not as it must be: {"op": "got"})"},
  }));
  login_scene s{"    timeouts: {login: 1h}\n    login: {steps: " + steps + ", reject: got}\n"};
  s.play.run_for(1ms);
  s.server->say(say({{"op", "got"}}));
  s.play.run_for(1ms);
  INFO(steps);
  CHECK(s.end() == end);
  CHECK(logged(s.play, "login accepted") == 0);
}

TEST_CASE("once the login is accepted nothing rejects it") {
  login_scene s{
      "    login: {steps: [{call: get, reply: done}], reject: got}\n    script: [{expect: got}, {sleep: "
      "1h}]\n"};
  s.answer("get", {{"op", "done"}});
  s.play.run_for(1ms);
  s.server->say(say({{"op", "got"}}));
  s.play.run_for(1ms);
  CHECK(logged(s.play, "login accepted") == 1);
  CHECK(s.end() == "-");
}

TEST_CASE("once the login is accepted any reply may come") {
  login_scene s{"    login: {json: {op: hello}, expect: done}\n    script: [{sleep: 1h}]\n"};
  s.answer("hello", {{"op", "done"}});
  s.play.run_for(1ms);
  s.server->say(say({{"op", "tick"}}));
  s.server->say(say({{"op", "got"}}));
  s.play.run_for(1ms);
  CHECK(s.end() == "-");
}

TEST_CASE("the login's steps have the login's time") {
  const auto [steps, time, end] = GENERATE(table<std::string, std::string, std::string>({
      {"{expect: got, timeout: 1h}", "2s", "script: the login took longer than 2 s (timeouts.login)"},
      {"{sleep: 1999ms}", "2s", "script: no reply done to the login within 2 s"},
      {"{sleep: 2001ms}", "2s", "script: the login took longer than 2 s (timeouts.login)"},
      {"{expect: got, timeout: 1s}", "2s", "script: no reply got within 1 s"},
  }));
  login_scene s{"    timeouts: {login: " + time + "}\n    login: {steps: [" + steps + "], expect: done}\n"};
  s.play.run_for(1999ms);
  CHECK(s.end() == (end.ends_with("1 s") ? end : "-"));
  s.play.run_for(1ms);
  INFO(steps);
  CHECK(s.end() == end);
}

TEST_CASE("a server may ask something before it answers the login") {
  login_scene s{
      "    login: {json: {op: hello}, expect: done}\n    on: [{reply: ping, do: [{send: pong}]}]\n"
      "    script: [{send: put}]\n"};
  s.play.run_for(1s);
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"hello", "pong"});
  CHECK(logged(s.play, "login accepted") == 0);
  s.server->say(say({{"op", "done"}}));
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"hello", "pong", "put"});
  login_scene failing{
      "    login: {json: {op: hello}, expect: done}\n    on: [{reply: ping, do: [{fail: oh}]}]\n"};
  failing.play.run_for(1s);
  failing.server->say(say({{"op", "ping"}}));
  failing.play.run_for(1ms);
  CHECK(failing.end() == "script: oh");
}

TEST_CASE("what the login's reply must be can be a secret that is not there") {
  setenv("DUPLEXD_T", "here", 1);
  login_scene s{"    login: {json: {op: hello}, expect: done, where: {ok: '${env:DUPLEXD_T}'}}\n"};
  unsetenv("DUPLEXD_T");
  s.answer("hello", {{"op", "done"}});
  s.play.run_for(1s);
  CHECK(s.end() == "secret: ${env:DUPLEXD_T}: the environment variable is not set");
}

TEST_CASE("a login that cannot be sent is not a rejection") {
  login_scene s{"    login: {json: {op: hello}}\n    script: [{send: put}]\n"};
  s.server->takes_bytes = false;
  s.server->unsent_bytes = outbox::high_water + 1;
  s.play.run_for(1s);
  CHECK(s.end() ==
        "script: a JSON message not sent: there is no link, or far too much is waiting to be sent");
  CHECK(logged(s.play, "login sent") == 0);
}

TEST_CASE("a session that runs once stays so long after its script, and hears what comes") {
  login_scene s{"    script: [{send: put}]\n    linger: 3s\n"};
  s.play.run_for(3s - 1ms);
  s.server->say(say({{"op", "tick"}}));
  CHECK(s.end() == "-");
  s.play.run_for(1ms);
  CHECK(s.end().empty());
  CHECK(s.play.out.lines.size() == 1);
  CHECK(logged(s.play, "s: script finished") == 1);
}

TEST_CASE("the script has not finished before the kernel has all of it") {
  login_scene s{"    script: [{send: put}]\n"};
  s.server->takes_bytes = false;
  s.play.run_for(1h);
  CHECK(logged(s.play, "script finished") == 0);
  s.server->take_bytes(true);
  s.play.run_for(1ms);
  CHECK(logged(s.play, "script finished") == 1);
  CHECK(s.end().empty());
}

TEST_CASE("subscriptions go before the script, and their fault is the script's") {
  login_scene s{"    subscribe: [{sleep: 1s}, {send: get}]\n    script: [{send: put}]\n"};
  s.play.run_for(2s);
  CHECK(s.sent() == lines{"get", "put"});
  login_scene failing{"    subscribe: [{fail: oh}]\n    script: [{send: put}]\n"};
  failing.play.run_for(2s);
  CHECK(failing.end() == "script: oh");
  CHECK(failing.sent().empty());
}

TEST_CASE("without --once a finished script ends nothing") {
  login_scene s{"    script: [{send: put}]\n    on: [{reply: ping, do: {send: pong}}]\n", false};
  s.play.run_for(24h);
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(1ms);
  CHECK(s.sent() == lines{"put", "pong"});
  CHECK(s.end() == "-");
}

TEST_CASE("a server that closes the link after the script is the end of a session that runs once") {
  login_scene s{"    script: [{send: put}]\n    linger: 1h\n"};
  s.play.run_for(1s);
  s.server->close({1001, "bye"});
  s.play.run_for(1s);
  CHECK(s.end().empty());
  CHECK(logged(s.play, "s: closed by the server: 1001 bye") == 1);
  login_scene early{"    script: [{sleep: 1h}]\n"};
  early.play.run_for(1s);
  early.server->close({1001, ""});
  early.play.run_for(1s);
  CHECK(early.end() == "closed: the server closed the link with code 1001");
}

TEST_CASE("a heartbeat needs an interval") {
  const auto [interval, end] = GENERATE(table<std::string, std::string>({
      {"'${var:ms}'", "script: heartbeat.every is not positive"},
      {"'${var:none}'", "script: ${var:none}: the variable is not set"},
  }));
  login_scene s{
      "    before: [{set: {ms: 0}}, {if: {ms: 1}, then: {set: {none: 1}}}]\n    liveness: {ping_interval: 0, "
      "idle_timeout: 0, heartbeat: {every: " +
      interval + ", send: pong}}\n    script: [{sleep: 1h}]\n"};
  s.play.run_for(1s);
  CHECK(s.end() == end);
  CHECK(s.sent().empty());
}

TEST_CASE("a heartbeat of a text message that nobody answers goes on and on") {
  login_scene s{
      "    liveness: {ping_interval: 0, idle_timeout: 0, heartbeat: {every: 10s, json: {op: beat, id: "
      "'${counter:n}'}}}\n    script: [{sleep: 25s}]\n"};
  s.play.run_for(10s - 1ms);
  CHECK(s.sent().empty());
  s.play.run_for(1min);
  CHECK(s.sent() == lines{"beat 1", "beat 2"});
  CHECK(s.end().empty());
}

TEST_CASE("a heartbeat that cannot be sent is a liveness fault") {
  login_scene s{
      "    liveness: {ping_interval: 0, idle_timeout: 0, heartbeat: {every: 10s, send: pong, expect: ping, "
      "timeout: 2s}}\n    script: [{sleep: 1h}]\n"};
  s.play.run_for(5s);
  s.server->takes_bytes = false;
  s.server->unsent_bytes = outbox::high_water + 1;
  s.play.run_for(6s);
  CHECK(s.end().starts_with("liveness: pong not sent: there is no link"));
}

TEST_CASE("a heartbeat whose answer takes longer than the interval is followed by the next one at once") {
  login_scene s{
      "    liveness: {ping_interval: 0, idle_timeout: 0, heartbeat: {every: 10s, json: {op: beat, id: "
      "'${time:unix}'}, expect: ping, timeout: 30s}}\n    script: [{sleep: 1h}]\n"};
  s.play.run_for(35s);
  CHECK(s.sent() == lines{"beat 10"});
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(1ms);
  CHECK(s.sent() == lines{"beat 10", "beat 35"});
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(10s - 1ms);
  CHECK(s.sent() == lines{"beat 10", "beat 35", "beat 45"});
}

TEST_CASE("a heartbeat is answered in time at its limit, and late after it") {
  login_scene s{
      "    liveness: {ping_interval: 0, idle_timeout: 0, heartbeat: {every: 10s, send: pong, expect: ping, "
      "timeout: 2s}}\n    script: [{sleep: 1h}]\n"};
  s.play.run_for(12s - 1ms);
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(8s);
  CHECK(s.sent() == lines{"pong"});
  s.play.run_for(1ms);  // from beat to beat: 20 s; its limit is 2 s later
  CHECK(s.sent() == lines{"pong", "pong"});
  s.play.run_for(2s - 1ms);
  CHECK(s.end() == "-");
  s.play.run_for(1ms);
  CHECK(s.end() == "liveness: heartbeat: no reply ping within 2 s");
}
