// Commands from a broker: bounds, acknowledgements, answers, a broker that is away.
#include "tests/catch.hpp"
#include "tests/daemon/output/scripted_broker.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using lengths = std::vector<std::size_t>;

TEST_CASE("a message is acknowledged when its command was accepted, and answered at its end", "[broker]") {
  broker_scene s;
  s.come("a", "me", "7");
  s.come("b");
  s.settle();
  CHECK(s.taken == lines{"o 1 a", "o 2 b"});
  s.listeners[0]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&scripted_broker::acknowledged) == 0);  // one of those that came together is not accepted yet
  s.listeners[1]({true, true, "end of b"});
  s.settle();
  CHECK(s.look(&scripted_broker::acknowledged) == 2);
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  end of b"});
  s.listeners[0]({true, true, "end of a"});
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  end of b", "me 7 end of a"});
}

TEST_CASE("the broker's name of a message goes with it", "[broker]") {
  broker_scene s;
  s.set(&scripted_broker::waiting, std::vector<broker_receiver::message>{{.text = "a", .id = "5:1"}});
  s.settle();
  CHECK(s.taken == lines{"o 1 a 5:1"});
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
}

TEST_CASE("without a place for answers there are none", "[broker]") {
  broker_scene s{""};
  s.come("a");
  s.settle();
  s.listeners.at(0)({true, true, "end"});
  s.come("b", "me");
  s.settle();
  s.listeners.at(1)({true, true, "end of b"});
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"me  end of b"});
}

TEST_CASE("while so many have not come to their end nothing is received", "[broker][bounds]") {
  broker_scene s;
  for (std::size_t i = 0; i < broker_input::most_unfinished; ++i) s.come("x");
  s.settle();
  CHECK(s.taken.size() == broker_input::most_unfinished);
  for (const command_listener& each : s.listeners) each({.is_accepted = true});
  s.come("one more");
  s.pass(10s);
  CHECK(s.taken.size() == broker_input::most_unfinished);
  s.listeners[17]({true, true, "end"});
  s.settle();
  CHECK(s.taken.back() == "o 257 one more");
}

TEST_CASE("a broker that cannot be reached is tried again with growing pauses", "[broker]") {
  broker_scene s;
  s.set(&scripted_broker::failed, std::string("refused"));
  s.pass(60s);
  CHECK(s.play.log.lines.at(0) == "commands for output o cannot be received: refused; next attempt in 0.4 s");
  CHECK(s.play.log.lines.at(1) == "commands for output o cannot be received: refused; next attempt in 0.8 s");
  CHECK(s.play.log.lines.size() < 12);
  s.set(&scripted_broker::failed, std::string());
  s.come("a");
  s.pass(60s);
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
}

TEST_CASE("an answer that was not published is published later, in order", "[broker]") {
  broker_scene s;
  s.come("a");
  s.come("b");
  s.settle();
  s.set(&scripted_broker::takes_answers, false);
  s.listeners.at(0)({true, true, "1"});
  s.listeners.at(1)({true, true, "2"});
  s.settle();
  CHECK(s.look(&scripted_broker::answers).empty());
  s.set(&scripted_broker::takes_answers, true);
  s.come("c");
  s.settle();
  s.listeners.at(2)({true, true, "3"});
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  1", "ends  2", "ends  3"});
}

// Each command has ended: only its answer is left. One answer less, and there is room for a message.
TEST_CASE("answers that cannot be published are bounded: nothing more is received", "[broker][bounds]") {
  broker_scene s;
  s.set(&scripted_broker::takes_answers, false);
  const auto ask = [&](std::size_t up_to) {
    while (s.taken.size() < up_to) {
      const std::size_t before = s.taken.size();
      s.come("x");
      s.settle();
      REQUIRE(s.taken.size() == before + 1);
      s.listeners.back()({true, true, std::to_string(s.taken.size())});
      s.settle();
    }
  };
  ask(broker_input::most_unfinished);
  s.come("one more");
  s.pass(1min);
  CHECK(s.taken.size() == broker_input::most_unfinished);
  CHECK(s.look(&scripted_broker::answers).empty());
  CHECK(s.play.log.lines.at(0) ==
        "commands for output o cannot be received: it is gone; next attempt in 0.4 s");
  CHECK(s.play.log.lines.size() < 12);
  s.set(&scripted_broker::takes_answers, true);
  s.pass(1min);
  const lines answers = s.look(&scripted_broker::answers);
  REQUIRE(answers.size() == broker_input::most_unfinished);
  CHECK(answers.front() == "ends  1");
  CHECK(answers.back() == "ends  256");
  CHECK(s.taken.back() == "o 257 one more");
  s.listeners.back()({.is_accepted = true});
  s.settle();
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
}

TEST_CASE("messages that the broker dropped are told when their number has doubled", "[broker]") {
  broker_scene s;
  for (int i = 0; i < 4; ++i) {
    s.set(&scripted_broker::lost, std::uint64_t{1});
    s.settle();
  }
  CHECK(s.play.log.lines == lines{"commands for output o came too fast: 1 are lost so far",
                                  "commands for output o came too fast: 2 are lost so far",
                                  "commands for output o came too fast: 4 are lost so far"});
}

TEST_CASE("while the sessions end messages stay where they are kept, and ends are still told", "[broker]") {
  const auto [stream, client_id] =
      GENERATE(table<std::string, std::string>({{"stream", ""}, {"", "client"}}));
  broker_scene s{"ends", stream, client_id};
  s.come("a");
  s.settle();
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
  s.input->stop_receiving();
  s.come("b");
  s.pass(10s);
  CHECK(s.taken == lines{"o 1 a"});
  CHECK(s.look(&scripted_broker::acknowledged) == 1);
  s.listeners.at(0)({true, true, "end of a"});
  s.pass(2s);
  CHECK(s.look(&scripted_broker::answers) == lines{"stopped", "ends  end of a"});
}

TEST_CASE("while the sessions end a receiver stops before anything is published", "[broker]") {
  broker_scene s{"ends", "", "client"};
  s.come("a");
  s.settle();
  s.input->stop_receiving();
  s.listeners.at(0)({true, true, "end of a"});
  asio::co_spawn(s.play.loop, s.input->finish(s.play.time.now() + 1s), asio::detached);
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"stopped", "ends  end of a"});
  CHECK(s.look(&scripted_broker::acknowledged) == 1);
}

TEST_CASE("messages that the end overtakes are not taken, and not acknowledged", "[broker]") {
  broker_scene s{"ends", "", "client"};
  s.on_take = [&s] { s.input->stop_receiving(); };
  s.set(&scripted_broker::waiting, std::vector<broker_receiver::message>{{.text = "a"}, {.text = "b"}});
  s.settle();
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({true, true, "end of a"});
  s.pass(2s);
  CHECK(s.look(&scripted_broker::calls) == lengths{1});
  CHECK(s.look(&scripted_broker::answers) == lines{"stopped", "ends  end of a"});
}

TEST_CASE("while the sessions end what nobody keeps is taken, to be refused", "[broker]") {
  broker_scene s;
  s.settle();
  s.input->stop_receiving();
  s.come("a");
  s.settle();
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({true, true, "refused"});
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  refused"});
}

TEST_CASE("at the end what was not accepted is not acknowledged", "[broker]") {
  broker_scene s;
  s.come("a");
  s.settle();
  asio::co_spawn(s.play.loop, s.input->finish(s.play.time.now() + 1s), asio::detached);
  s.settle();
  CHECK(s.look(&scripted_broker::acknowledged) == 0);
}

TEST_CASE("while answers, and where they go, have so many bytes nothing is received", "[broker][bounds]") {
  broker_scene s;
  const std::string correlation(broker_input::most_answer_bytes / 2 - 4, 'c');
  for (const char* each : {"a", "b"}) {
    s.come(each, "to", correlation);
    s.settle();
    s.listeners.back()({.is_accepted = true});
    s.settle();
  }
  s.set(&scripted_broker::takes_answers, false);
  s.come("c");  // they have four bytes less than that; with its own place they have all
  s.settle();
  REQUIRE(s.taken.size() == 3);
  s.listeners.at(2)({.is_accepted = true});
  s.come("d");
  s.pass(1min);
  CHECK(s.taken.size() == 3);
  s.listeners.at(0)({true, true, "end of a"});
  s.pass(1min);
  CHECK(s.taken.size() == 3);
  s.set(&scripted_broker::takes_answers, true);
  s.pass(1min);
  CHECK(s.taken.size() == 4);
  s.listeners.at(3)({.is_accepted = true});
  s.settle();
}
