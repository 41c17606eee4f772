// Commands from a broker that the test plays: bounds, acknowledgements, answers, a broker that is away.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "daemon/output/broker_input.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/scripted_streams.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using lengths = std::vector<std::size_t>;

namespace {

/// What the broker has, and what it heard; used from the input's thread, too.
struct broker {
  std::mutex lock;
  std::vector<broker_receiver::message> waiting;
  std::uint64_t lost = 0;
  std::string failed{};
  bool takes_answers = true;
  lines answers{};
  std::size_t acknowledged = 0;
  lengths calls{};     ///< what each call acknowledged
  bool holds = false;  ///< messages that are not accepted stay here
  std::condition_variable changed{};
  bool is_woken = false;
  bool rests = false;  ///< the thread waits

  [[nodiscard]] bool has_news() const { return !waiting.empty() || lost > 0 || !failed.empty() || is_woken; }
};

class scripted_receiver final : public broker_receiver {
 public:
  explicit scripted_receiver(broker& with) : with_(with) {}
  [[nodiscard]] received receive() override {
    std::unique_lock hold{with_.lock};
    with_.rests = true;
    with_.changed.wait(hold, [this] { return with_.has_news(); });
    with_.rests = false;
    with_.is_woken = false;
    if (!with_.failed.empty()) return {.failed = with_.failed};
    return {.messages = std::exchange(with_.waiting, {}), .lost = std::exchange(with_.lost, 0)};
  }
  void wake() noexcept override {
    const std::lock_guard hold{with_.lock};
    with_.is_woken = true;
    with_.changed.notify_all();
  }
  bool acknowledge(const std::vector<bool>& accepted) override {
    const std::lock_guard hold{with_.lock};
    const auto count = static_cast<std::size_t>(std::ranges::count(accepted, true));
    with_.acknowledged += count;
    with_.calls.push_back(count);
    return with_.holds;
  }
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override {
    const std::lock_guard hold{with_.lock};
    if (!with_.takes_answers) return "it is gone";
    with_.answers.push_back(to + " " + correlation + " " + std::string(text));
    return "";
  }
  void stop() override {
    const std::lock_guard hold{with_.lock};
    with_.answers.emplace_back("stopped");
  }
  void rest() noexcept override {}

 private:
  broker& with_;
};

struct scene {
  explicit scene(std::string answers = "ends", std::string stream = "", std::string client_id = "") {
    config::output_settings settings{.name = "o", .type = config::output_type::mqtt};
    settings.client_id = std::move(client_id);
    settings.commands = {"orders", std::move(answers), std::move(stream)};
    input.emplace(
        context, settings, std::make_unique<scripted_receiver>(with),
        [this](std::string from, line_input::line message, command_listener told) -> asio::awaitable<void> {
          taken.push_back(from + " " + std::to_string(message.number) + " " +
                          (message.too_long ? "(too long)" : message.text) +
                          (message.id.empty() ? "" : " " + message.id));
          comes_again = message.comes_again;
          listeners.push_back(std::move(told));
          if (on_take) on_take();
          co_return;
        });
    tasks.spawn(0, run());
  }
  ~scene() {
    asio::co_spawn(play.loop, input->finish(play.time.now()), asio::detached);
    settle();
    tasks.cancel_all();
    asio::co_spawn(play.loop, tasks.join(), asio::detached);
    settle();
  }
  asio::awaitable<int> run() {
    co_await input->run();
    co_return 0;
  }

  /// Until the loop and the thread are at rest.
  void settle() {
    for (bool rests = false; !rests;) {
      play.loop.restart();
      const bool idle = play.loop.poll() == 0;
      const std::lock_guard hold{with.lock};
      rests = idle && (!input->at_work() || (with.rests && !with.has_news()));
    }
  }
  void pass(std::chrono::milliseconds span) {
    settle();
    play.time.run_for(span);
    settle();
  }
  void come(const std::string& text, const std::string& to = "", const std::string& correlation = "") {
    const std::lock_guard hold{with.lock};
    with.waiting.push_back({.text = text, .answer_to = to, .correlation = correlation});
    with.changed.notify_all();
  }
  template <class T>
  T look(T broker::* at) {
    const std::lock_guard hold{with.lock};
    return with.*at;
  }
  template <class T>
  void set(T broker::* at, T value) {
    const std::lock_guard hold{with.lock};
    with.*at = std::move(value);
    with.changed.notify_all();
  }

  broker with;
  struct {
    asio::io_context loop{1};
    virtual_clock time{loop};
    recorded_telemetry log;
    secret_index secrets;
    scripted_http http;
  } play;
  scripted_streams streams;
  output_context context{.loop = play.loop.get_executor(),
                         .time = play.time,
                         .log = play.log,
                         .random = [] { return 0.5; },
                         .secrets = play.secrets,
                         .http = play.http,
                         .streams = streams};
  lines taken;
  bool comes_again = false;  ///< the last one
  std::function<void()> on_take;
  std::vector<command_listener> listeners;
  std::optional<broker_input> input;
  task_group<int> tasks{play.loop.get_executor()};
};

}  // namespace

TEST_CASE("a message is acknowledged when its command was accepted, and answered at its end", "[broker]") {
  scene s;
  s.come("a", "me", "7");
  s.come("b");
  s.settle();
  CHECK(s.taken == lines{"o 1 a", "o 2 b"});
  s.listeners[0]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&broker::acknowledged) == 0);  // one of those that came together is not accepted yet
  s.listeners[1]({true, true, "end of b"});
  s.settle();
  CHECK(s.look(&broker::acknowledged) == 2);
  CHECK(s.look(&broker::answers) == lines{"ends  end of b"});
  s.listeners[0]({true, true, "end of a"});
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"ends  end of b", "me 7 end of a"});
}

TEST_CASE("the broker's name of a message goes with it", "[broker]") {
  scene s;
  s.set(&broker::waiting, std::vector<broker_receiver::message>{{.text = "a", .id = "5:1"}});
  s.settle();
  CHECK(s.taken == lines{"o 1 a 5:1"});
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
}

TEST_CASE("without a place for answers there are none", "[broker]") {
  scene s{""};
  s.come("a");
  s.settle();
  s.listeners.at(0)({true, true, "end"});
  s.come("b", "me");
  s.settle();
  s.listeners.at(1)({true, true, "end of b"});
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"me  end of b"});
}

TEST_CASE("while so many have not come to their end nothing is received", "[broker][bounds]") {
  scene s;
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
  scene s;
  s.set(&broker::failed, std::string("refused"));
  s.pass(60s);
  CHECK(s.play.log.lines.at(0) == "commands for output o cannot be received: refused; next attempt in 0.4 s");
  CHECK(s.play.log.lines.at(1) == "commands for output o cannot be received: refused; next attempt in 0.8 s");
  CHECK(s.play.log.lines.size() < 12);
  s.set(&broker::failed, std::string());
  s.come("a");
  s.pass(60s);
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
}

TEST_CASE("an answer that was not published is published later, in order", "[broker]") {
  scene s;
  s.come("a");
  s.come("b");
  s.settle();
  s.set(&broker::takes_answers, false);
  s.listeners.at(0)({true, true, "1"});
  s.listeners.at(1)({true, true, "2"});
  s.settle();
  CHECK(s.look(&broker::answers).empty());
  s.set(&broker::takes_answers, true);
  s.come("c");
  s.settle();
  s.listeners.at(2)({true, true, "3"});
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"ends  1", "ends  2", "ends  3"});
}

// Each command has ended: only its answer is left. One answer less, and there is room for a message.
TEST_CASE("answers that cannot be published are bounded: nothing more is received", "[broker][bounds]") {
  scene s;
  s.set(&broker::takes_answers, false);
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
  CHECK(s.look(&broker::answers).empty());
  CHECK(s.play.log.lines.at(0) ==
        "commands for output o cannot be received: it is gone; next attempt in 0.4 s");
  CHECK(s.play.log.lines.size() < 12);
  s.set(&broker::takes_answers, true);
  s.pass(1min);
  const lines answers = s.look(&broker::answers);
  REQUIRE(answers.size() == broker_input::most_unfinished);
  CHECK(answers.front() == "ends  1");
  CHECK(answers.back() == "ends  256");
  CHECK(s.taken.back() == "o 257 one more");
  s.listeners.back()({.is_accepted = true});
  s.settle();
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
}

TEST_CASE("messages that the broker dropped are told when their number has doubled", "[broker]") {
  scene s;
  for (int i = 0; i < 4; ++i) {
    s.set(&broker::lost, std::uint64_t{1});
    s.settle();
  }
  CHECK(s.play.log.lines == lines{"commands for output o came too fast: 1 are lost so far",
                                  "commands for output o came too fast: 2 are lost so far",
                                  "commands for output o came too fast: 4 are lost so far"});
}

TEST_CASE("while the sessions end messages stay where they are kept, and ends are still told", "[broker]") {
  const auto [stream, client_id] =
      GENERATE(table<std::string, std::string>({{"stream", ""}, {"", "client"}}));
  scene s{"ends", stream, client_id};
  s.come("a");
  s.settle();
  s.listeners.at(0)({.is_accepted = true});
  s.settle();
  s.input->stop_receiving();
  s.come("b");
  s.pass(10s);
  CHECK(s.taken == lines{"o 1 a"});
  CHECK(s.look(&broker::acknowledged) == 1);
  s.listeners.at(0)({true, true, "end of a"});
  s.pass(2s);
  CHECK(s.look(&broker::answers) == lines{"stopped", "ends  end of a"});
}

TEST_CASE("while the sessions end a receiver stops before anything is published", "[broker]") {
  scene s{"ends", "", "client"};
  s.come("a");
  s.settle();
  s.input->stop_receiving();
  s.listeners.at(0)({true, true, "end of a"});
  asio::co_spawn(s.play.loop, s.input->finish(s.play.time.now() + 1s), asio::detached);
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"stopped", "ends  end of a"});
  CHECK(s.look(&broker::acknowledged) == 1);
}

TEST_CASE("messages that the end overtakes are not taken, and not acknowledged", "[broker]") {
  scene s{"ends", "", "client"};
  s.on_take = [&s] { s.input->stop_receiving(); };
  s.set(&broker::waiting, std::vector<broker_receiver::message>{{.text = "a"}, {.text = "b"}});
  s.settle();
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({true, true, "end of a"});
  s.pass(2s);
  CHECK(s.look(&broker::calls) == lengths{1});
  CHECK(s.look(&broker::answers) == lines{"stopped", "ends  end of a"});
}

TEST_CASE("while the sessions end what nobody keeps is taken, to be refused", "[broker]") {
  scene s;
  s.settle();
  s.input->stop_receiving();
  s.come("a");
  s.settle();
  CHECK(s.taken == lines{"o 1 a"});
  s.listeners.at(0)({true, true, "refused"});
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"ends  refused"});
}

TEST_CASE("at the end what was not accepted is not acknowledged", "[broker]") {
  scene s;
  s.come("a");
  s.settle();
  asio::co_spawn(s.play.loop, s.input->finish(s.play.time.now() + 1s), asio::detached);
  s.settle();
  CHECK(s.look(&broker::acknowledged) == 0);
}

namespace {

const command_news given_back{.text = "session s: no room", .is_given_back = true};

std::vector<broker_receiver::message> named(const lines& texts) {
  std::vector<broker_receiver::message> made;
  for (const std::string& each : texts) made.push_back({.text = each, .id = "of " + each});
  return made;
}

}  // namespace

TEST_CASE("what cannot be taken for now is offered again, with all behind it", "[broker]") {
  scene s{"ends", "stream"};
  s.set(&broker::holds, true);
  s.on_take = [&s] {
    if (s.taken.size() == 2) s.listeners.back()(given_back);
  };
  s.set(&broker::waiting, named({"a", "b", "c"}));
  s.settle();
  CHECK(s.comes_again);
  CHECK(s.taken == lines{"o 1 a of a", "o 2 b of b"});
  CHECK(s.look(&broker::calls).empty());
  s.listeners[0]({.is_accepted = true});
  s.come("d");
  s.settle();
  CHECK(s.look(&broker::calls) == lengths{1});
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
  CHECK(s.look(&broker::calls) == lengths{1, 2});
  CHECK(s.play.log.lines.back() == "commands for output o are received again");
  CHECK(s.taken.back() == "o 5 d");
}

// A commit that fails gives several back, when others behind them are accepted.
TEST_CASE("only what was given back is offered again", "[broker]") {
  scene s{"ends", "stream"};
  s.set(&broker::holds, true);
  s.set(&broker::waiting, named({"a", "b", "c", "d"}));
  s.settle();
  REQUIRE(s.taken.size() == 4);
  s.listeners[3](given_back);
  s.listeners[1](given_back);
  s.listeners[2]({true, true, "end of c"});
  s.settle();
  CHECK(s.look(&broker::calls).empty());
  s.listeners[0]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&broker::calls) == lengths{2});
  CHECK(s.look(&broker::answers) == lines{"ends  end of c"});  // it does not wait for the others
  s.pass(1s);
  REQUIRE(s.taken.size() == 6);
  CHECK(s.taken[4] == "o 5 b of b");
  CHECK(s.taken[5] == "o 6 d of d");
  for (const std::size_t each : {4, 5}) s.listeners[each]({.is_accepted = true});
  s.settle();
  CHECK(s.look(&broker::calls) == lengths{2, 2});
}

// Nobody would deliver it again.
TEST_CASE("what the broker does not keep is taken behind what is given back", "[broker]") {
  scene s{"ends", "", "client"};
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
  s.set(&broker::waiting, std::move(all));
  s.settle();
  CHECK(s.taken == lines{"o 1 a of a", "o 2 b of b"});
  CHECK(again == std::vector<bool>{true, false});
  CHECK(s.look(&broker::answers) == lines{"ends  refused"});
}

// It is taken out of the configuration.
TEST_CASE("a command whose session tells nothing any more counts no longer", "[broker]") {
  const bool is_accepted = GENERATE(false, true);
  const std::string client_id = GENERATE("", "client");
  scene s{"ends", "", client_id};
  s.come("a");
  s.settle();
  if (is_accepted) s.listeners[0]({.is_accepted = true});
  s.settle();
  s.listeners.clear();
  s.settle();
  CHECK(s.look(&broker::acknowledged) == (is_accepted || client_id.empty() ? 1 : 0));
  s.pass(1s);
  s.set(&broker::waiting, std::vector<broker_receiver::message>(broker_input::most_unfinished - 1));
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
  scene s{"ends", "stream"};
  s.set(&broker::holds, true);
  s.on_take = [&s] { s.listeners.back()(given_back); };
  s.set(&broker::waiting, named({"a"}));
  for (int i = 0; i < 120; ++i) s.pass(1s);
  const lengths calls = s.look(&broker::calls);
  CHECK(calls.size() >= 120);
  CHECK(calls == lengths(calls.size(), 0));
  CHECK(s.taken.size() > 5);
  CHECK(s.taken.size() < 15);
  s.on_take = {};
  for (int i = 0; i < 30; ++i) s.pass(1s);
  s.listeners.back()({.is_accepted = true});
  s.settle();
  CHECK(s.look(&broker::calls).back() == 1);
}

TEST_CASE("what a receiver does not hold comes from the broker again", "[broker]") {
  scene s{"ends", "", "client"};
  s.on_take = [&s] {
    if (s.taken.size() == 1) s.listeners.back()(given_back);
  };
  s.set(&broker::waiting, named({"a"}));
  s.settle();
  CHECK(s.look(&broker::calls) == lengths{0});
  s.pass(1min);
  CHECK(s.taken.size() == 1);
  s.set(&broker::waiting, named({"a"}));
  s.settle();
  CHECK(s.taken == lines{"o 1 a of a", "o 2 a of a"});
  s.listeners.back()({.is_accepted = true});
  s.settle();
}

TEST_CASE("while the sessions end what waits to be offered again stays where it is kept", "[broker]") {
  scene s{"ends", "stream"};
  s.set(&broker::holds, true);
  s.on_take = [&s] { s.listeners.back()(given_back); };
  s.set(&broker::waiting, named({"a"}));
  s.pass(20s);
  const std::size_t taken = s.taken.size();
  s.input->stop_receiving();
  s.settle();
  CHECK(s.look(&broker::answers) == lines{"stopped"});
  s.pass(1min);
  CHECK(s.taken.size() == taken);
  CHECK(s.look(&broker::acknowledged) == 0);
}

TEST_CASE("a broker that keeps nothing is given nothing back", "[broker]") {
  scene s;
  s.come("a");
  s.settle();
  CHECK_FALSE(s.comes_again);
  s.listeners.at(0)({true, true, "refused"});
  s.settle();
}

TEST_CASE("while answers, and where they go, have so many bytes nothing is received", "[broker][bounds]") {
  scene s;
  const std::string correlation(broker_input::most_answer_bytes / 2 - 4, 'c');
  for (const char* each : {"a", "b"}) {
    s.come(each, "to", correlation);
    s.settle();
    s.listeners.back()({.is_accepted = true});
    s.settle();
  }
  s.set(&broker::takes_answers, false);
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
  s.set(&broker::takes_answers, true);
  s.pass(1min);
  CHECK(s.taken.size() == 4);
  s.listeners.at(3)({.is_accepted = true});
  s.settle();
}
