// Commands that cannot be taken for now, and the brokers that keep them.
#include "tests/catch.hpp"
#include "tests/daemon/output/scripted_broker.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using lengths = std::vector<std::size_t>;

namespace {

const command_news given_back{.text = "session s: no room", .is_given_back = true};

std::vector<broker_receiver::message> named(const lines& texts) {
  std::vector<broker_receiver::message> made;
  for (const std::string& each : texts) made.push_back({.text = each, .id = "of " + each});
  return made;
}

}  // namespace

TEST_CASE("what cannot be taken for now is offered again, with all behind it", "[broker]") {
  broker_scene s{"ends", "stream"};
  s.set(&scripted_broker::holds, true);
  s.on_take = [&s] {
    if (s.taken.size() == 2) s.listeners.back()(given_back);
  };
  s.set(&scripted_broker::waiting, named({"a", "b", "c"}));
  s.settle();
  CHECK(s.comes_again);
  CHECK(s.taken == lines{"o 1 a of a", "o 2 b of b"});
  CHECK(s.look(&scripted_broker::calls).empty());
  s.listeners[0]({.is_accepted = true});
  s.come("d");
  s.settle();
  CHECK(s.look(&scripted_broker::calls) == lengths{1});
  CHECK(s.play.log.lines ==
        lines{"commands for output o cannot be received: session s: no room; next attempt in 0.4 s"});
  s.pass(374ms);
  CHECK(s.taken.size() == 2);
  s.pass(1ms);
  CHECK(s.taken.size() == 4);
  CHECK(s.taken[2] == "o 3 b of b");
  CHECK(s.taken[3] == "o 4 c of c");
  for (const std::size_t each : {2, 3}) s.listeners[each]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&scripted_broker::calls) == lengths{1, 2});
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
  CHECK(s.taken.back() == "o 5 d");
}

// A commit that fails gives several back, when others behind them are accepted.
TEST_CASE("only what was given back is offered again", "[broker]") {
  broker_scene s{"ends", "stream"};
  s.set(&scripted_broker::holds, true);
  s.set(&scripted_broker::waiting, named({"a", "b", "c", "d"}));
  s.settle();
  REQUIRE(s.taken.size() == 4);
  s.listeners[3](given_back);
  s.listeners[1](given_back);
  s.listeners[2]({true, true, "end of c"});
  s.settle();
  CHECK(s.look(&scripted_broker::calls).empty());
  s.listeners[0]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&scripted_broker::calls) == lengths{2});
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  end of c"});  // it does not wait for the others
  s.pass(1s);
  REQUIRE(s.taken.size() == 6);
  CHECK(s.taken[4] == "o 5 b of b");
  CHECK(s.taken[5] == "o 6 d of d");
  for (const std::size_t each : {4, 5}) s.listeners[each]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&scripted_broker::calls) == lengths{2, 2});
}

// Nobody would deliver it again.
TEST_CASE("what the broker does not keep is taken behind what is given back", "[broker]") {
  broker_scene s{"ends", "", "client"};
  std::vector<bool> again;
  s.on_take = [&] {
    again.push_back(s.comes_again);
    if (s.taken.size() == 1)
      s.listeners.back()(given_back);
    else
      s.listeners.back()({true, true, "refused"});
  };
  auto all = named({"a", "b", "c"});
  all[1].is_kept = false;
  s.set(&scripted_broker::waiting, std::move(all));
  s.settle();
  CHECK(s.taken == lines{"o 1 a of a", "o 2 b of b"});
  CHECK(again == std::vector<bool>{true, false});
  CHECK(s.look(&scripted_broker::answers) == lines{"ends  refused"});
}

// It is taken out of the configuration.
TEST_CASE("a command whose session tells nothing any more counts no longer", "[broker]") {
  const bool is_accepted = GENERATE(false, true);
  const std::string client_id = GENERATE("", "client");
  broker_scene s{"ends", "", client_id};
  s.come("a");
  s.settle();
  if (is_accepted) s.listeners[0]({.is_accepted = true});
  s.settle();
  s.listeners.clear();
  s.settle();
  CHECK(s.look(&scripted_broker::acknowledged) == (is_accepted || client_id.empty() ? 1 : 0));
  s.pass(1s);
  s.set(&scripted_broker::waiting, std::vector<broker_receiver::message>(broker_input::most_unfinished - 1));
  s.settle();
  REQUIRE(s.taken.size() == broker_input::most_unfinished);
  for (const command_listener& each : s.listeners) each({.is_accepted = true});
  s.settle();
  s.come("one more");
  s.pass(1s);
  CHECK(s.taken.size() == 1 + broker_input::most_unfinished);
  s.listeners.back()({.is_accepted = true});
  s.settle();
}

TEST_CASE("a broker hears every second that messages are held", "[broker]") {
  broker_scene s{"ends", "stream"};
  s.set(&scripted_broker::holds, true);
  s.on_take = [&s] { s.listeners.back()(given_back); };
  s.set(&scripted_broker::waiting, named({"a"}));
  for (int i = 0; i < 120; ++i) s.pass(1s);
  const lengths calls = s.look(&scripted_broker::calls);
  CHECK(calls.size() >= 120);
  CHECK(calls == lengths(calls.size(), 0));
  CHECK(s.taken.size() > 5);
  CHECK(s.taken.size() < 15);
  s.on_take = {};
  for (int i = 0; i < 30; ++i) s.pass(1s);
  s.listeners.back()({.is_accepted = true});
  s.settle();
  CHECK(s.look(&scripted_broker::calls).back() == 1);
}

TEST_CASE("what a receiver does not hold comes from the broker again", "[broker]") {
  broker_scene s{"ends", "", "client"};
  s.on_take = [&s] {
    if (s.taken.size() == 1) s.listeners.back()(given_back);
  };
  s.set(&scripted_broker::waiting, named({"a"}));
  s.settle();
  CHECK(s.look(&scripted_broker::calls) == lengths{0});
  s.pass(1min);
  CHECK(s.taken.size() == 1);
  s.set(&scripted_broker::waiting, named({"a"}));
  s.settle();
  CHECK(s.taken == lines{"o 1 a of a", "o 2 a of a"});
  s.listeners.back()({.is_accepted = true});
  s.settle();
}

TEST_CASE("while the sessions end what waits to be offered again stays where it is kept", "[broker]") {
  broker_scene s{"ends", "stream"};
  s.set(&scripted_broker::holds, true);
  s.on_take = [&s] { s.listeners.back()(given_back); };
  s.set(&scripted_broker::waiting, named({"a"}));
  s.pass(20s);
  const std::size_t taken = s.taken.size();
  s.input->stop_receiving();
  s.settle();
  CHECK(s.look(&scripted_broker::answers) == lines{"stopped"});
  s.pass(1min);
  CHECK(s.taken.size() == taken);
  CHECK(s.look(&scripted_broker::acknowledged) == 0);
}

TEST_CASE("a broker that keeps nothing is given nothing back", "[broker]") {
  broker_scene s;
  s.come("a");
  s.settle();
  CHECK_FALSE(s.comes_again);
  s.listeners.at(0)({true, true, "refused"});
  s.settle();
}
