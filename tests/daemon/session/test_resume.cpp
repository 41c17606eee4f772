// Durable variables and `after: journaled`, with a journal that the test plays.
#include "config/load/load.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

/// Keeps what it is told, and commits when the test says so.
class scripted_keeping final : public safe_keeping {
 public:
  void keep(const std::string& session, const std::string& variable, std::string value) override {
    all[session][variable] = value;
    told.push_back(variable + "=" + value);
    if (on_keep) on_keep();
  }
  void forget(const std::string& session, const std::string& variable) override {
    all[session].erase(variable);
    told.push_back(variable + " forgotten");
  }
  [[nodiscard]] std::map<std::string, std::string> kept(const std::string& session) const override {
    const auto found = all.find(session);
    return found == all.end() ? std::map<std::string, std::string>{} : found->second;
  }
  [[nodiscard]] std::uint64_t given() const noexcept override { return number; }
  [[nodiscard]] std::uint64_t committed() const noexcept override { return done; }
  [[nodiscard]] std::uint64_t taken_by(const std::string& output) const override {
    const auto found = taken.find(output);
    return found == taken.end() ? 0 : found->second;
  }
  asio::awaitable<void> wait_committed() override { co_await changed->wait(); }

  void commit(std::uint64_t up_to) {
    done = up_to;
    changed->notify();
  }

  void take(const std::string& output, std::uint64_t up_to) {
    taken[output] = up_to;
    changed->notify();
  }

  std::map<std::string, std::uint64_t> taken;
  std::map<std::string, std::map<std::string, std::string>> all;
  lines told;
  std::function<void()> on_keep;
  std::uint64_t number = 0;  ///< of the last event
  std::uint64_t done = 0;
  notifier* changed = nullptr;
};

using values = std::map<std::string, std::string>;

/// A session with a durable output, whose events have the numbers 1, 2, 3 …; `before`: what the journal has.
struct resume_scene {
  explicit resume_scene(const std::string& fields, const values& before = {}) {
    safe.all["s"] = before;
    play.emplace("journal: {path: j}\noutputs: {f: {type: file, path: f, durable: true}}\n" +
                     talk_yaml("    outputs: [f]\n" + fields),
                 false, 0, &safe);
    changed.emplace(play->loop.get_executor());
    safe.changed = &*changed;
    play->out.on_append = [this] { ++safe.number; };
  }
  ~resume_scene() {
    play->session->stop();
    play->run_for(1h);
  }
  resume_scene(const resume_scene&) = delete;
  resume_scene& operator=(const resume_scene&) = delete;

  scripted_keeping safe;
  std::optional<stage> play;
  std::optional<notifier> changed;
};

const std::string last = R"(
    variables: {last: {durable: true, initial: 0}}
    on: [{reply: tick, do: [{set: {last: "${reply:id}"}}]}]
)";

const std::string acknowledges = R"(
    on: [{reply: tick, after: journaled, do: [{send: pong, with: {id: "${reply:id}"}}]}]
)";

void tick(scripted_server& server, int from, int to) {
  for (int n = from; n <= to; ++n) server.say(say({{"op", "tick"}, {"id", n}}));
}

}  // namespace

// Whatever arrives together: no event of a later reply is with the outputs yet.
TEST_CASE("a durable variable is kept in the turn of its event", "[resume]") {
  resume_scene s{last};
  lines seen;
  s.safe.on_keep = [&] { seen.push_back(s.safe.told.back() + " after " + std::to_string(s.safe.number)); };
  auto server = s.play->accept();
  tick(*server, 7, 9);
  s.play->run_for(1s);
  CHECK(seen == lines{"last=7 after 1", "last=8 after 2", "last=9 after 3"});
}

TEST_CASE("a durable variable that a handler sets beside other steps is kept, too, if later", "[resume]") {
  resume_scene s{R"(
    variables: {last: {durable: true}}
    on: [{reply: tick, do: [{send: pong}, {set: {last: "${reply:id}"}}]}]
)"};
  auto server = s.play->accept();
  tick(*server, 1, 2);
  s.play->run_for(1s);
  CHECK(s.safe.told == lines{"last=1", "last=2"});
}

// Conditions that refer to variables are asked in the same turn.
TEST_CASE("a handler that sets a durable variable keeps to its conditions", "[resume]") {
  resume_scene s{R"(
    variables: {last: {durable: true, initial: 2}}
    on: [{reply: tick, where: {after: "${var:last}"}, do: [{set: {last: "${reply:id}"}}]}]
)"};
  auto server = s.play->accept();
  for (const auto& [id, after] :
       std::vector<std::pair<int, int>>{{1, 0}, {3, 2}, {4, 3}, {4, 3}, {6, 5}, {7, 4}})
    server->say(say({{"op", "tick"}, {"id", id}, {"after", after}}));
  s.play->run_for(1s);
  CHECK(s.safe.told == lines{"last=3", "last=4", "last=7"});
}

TEST_CASE("what the journal has is there in the URL, headers, the login and subscribe", "[resume]") {
  const std::string stored = GENERATE(as<std::string>{}, "", "42", "{not JSON");
  resume_scene s{R"(
    variables: {last: {durable: true, initial: 5}}
    headers: {X-Last: "${var:last}"}
    login: {json: {op: login, id: "${var:last}"}}
    subscribe: [{send: get, with: {id: "${var:last}"}}]
    on: [{reply: tick, do: [{set: {last: "${reply:id}"}}]}]
)",
                 stored.empty() ? values{} : values{{"last", stored}}};
  auto server = std::make_shared<scripted_server>(s.play->loop.get_executor());
  server->time = &s.play->time;
  std::string header;
  s.play->links.answers.emplace_back([&](const dial_request& what) -> dial_result {
    header = what.headers.at(0).second;
    return std::make_unique<scripted_link>(server);
  });
  s.play->run_for(1s);
  const std::string value = stored == "42" ? "42" : "5";
  CHECK(header == value);
  CHECK(heard(*server) == lines{"login " + value, "get " + value});
  CHECK(s.safe.told.empty());
}

namespace {

std::shared_ptr<const config::session_settings> next_settings(const std::string& fields) {
  protocol::diagnostics mistakes;
  auto next = config::load_text("journal: {path: j}\noutputs: {f: {type: file, path: f, durable: true}}\n" +
                                    talk_yaml("    outputs: [f]\n" + fields),
                                config::document_format::yaml, "next.yaml", {}, mistakes);
  REQUIRE(next);
  return std::make_shared<const config::session_settings>(next->sessions.at(0));
}

}  // namespace

TEST_CASE("a reload makes a variable durable, with the value that it has, and ends that", "[resume]") {
  const auto sets = [](const std::string& variables) {
    return "    variables: {" + variables +
           "}\n    on: [{reply: tick, do: [{set: {last: \"${reply:id}\"}}]}]\n";
  };
  resume_scene s{sets("last: {initial: 0}"), {{"last", "3"}}};
  auto server = s.play->accept();
  tick(*server, 7, 7);
  s.play->run_for(1s);
  CHECK(s.safe.told.empty());
  server = s.play->accept();
  s.play->session->replace(next_settings(sets("last: {durable: true}")), {{&s.play->out, nullptr}});
  s.play->run_for(1s);
  CHECK(s.safe.told == lines{"last=7"});
  tick(*server, 8, 8);
  s.play->run_for(1s);
  CHECK(s.safe.told == lines{"last=7", "last=8"});
  server = s.play->accept();
  s.play->session->replace(next_settings(sets("last: {initial: 0}")), {{&s.play->out, nullptr}});
  s.play->run_for(1s);
  tick(*server, 9, 9);
  s.play->run_for(1s);
  CHECK(s.safe.told == lines{"last=7", "last=8"});
}

TEST_CASE("a durable counter goes on where it was", "[resume]") {
  resume_scene s{R"(
    variables: {n: {durable: true}}
    script: [{send: get, with: {id: "${counter:n}"}}, {send: get, with: {id: "${counter:other}"}}]
)",
                 {{"counter:n", "41"}}};
  auto server = s.play->accept();
  s.play->run_for(1s);
  CHECK(heard(*server) == lines{"get 42", "get 1"});
  CHECK(s.safe.told == lines{"counter:n=42"});
}

// The name has 4 bytes, the text 2 more than its letters.
TEST_CASE("durable variables have a limit of their own", "[resume]") {
  const auto [letters, kept] = GENERATE(table<std::size_t, bool>({{58, true}, {59, false}}));
  resume_scene s{"    limits: {durable_variables: 64}\n" + last};
  auto server = s.play->accept();
  server->say(say({{"op", "tick"}, {"id", std::string(letters, 'x')}}));
  s.play->run_for(100ms);
  CHECK(s.safe.told.size() == (kept ? 1 : 0));
  CHECK(logged(*s.play,
               "last not saved: the durable variables would take more than 64 bytes "
               "(limits.durable_variables)") == (kept ? 0 : 1));
}

namespace {

std::string counts(const std::string& rules, const std::string& more = "") {
  return "    liveness: {ping_interval: 0, idle_timeout: 0, sequence: [" + rules + "]}\n" + more;
}
const std::string of_id = R"(sequence:["tick","id",[],[]])";
const std::string durable_ids = "{reply: tick, field: id, durable: true}";

}  // namespace

TEST_CASE("what a durable sequence expects is kept in the turn of its event", "[resume]") {
  resume_scene s{counts(durable_ids + ", {reply: tick, field: other}")};
  lines seen;
  s.safe.on_keep = [&] { seen.push_back(s.safe.told.back() + " after " + std::to_string(s.safe.number)); };
  auto server = s.play->accept();
  tick(*server, 7, 8);
  s.play->run_for(1s);
  CHECK(seen == lines{of_id + "=8 after 1", of_id + "=9 after 2"});
}

// As over two connections: what is lower is said again.
TEST_CASE("a durable sequence goes on with what the journal has", "[resume]") {
  const auto [first, told] = GENERATE(table<int, bool>({{8, false}, {7, false}, {10, true}}));
  resume_scene s{counts(durable_ids), {{of_id, "8"}}};
  auto server = s.play->accept();
  tick(*server, first, first + 1);
  s.play->run_for(1s);
  CHECK(logged(*s.play, "expected 8, found 10") == (told ? 1 : 0));
  CHECK(logged(*s.play, "expected") == (told ? 1 : 0));
  tick(*server, first + 3, first + 3);
  s.play->run_for(1s);
  CHECK(logged(*s.play, "found " + std::to_string(first + 3)) == 1);
}

TEST_CASE("a sequence that is not durable any more, or another rule, begins again", "[resume]") {
  const auto rule = GENERATE(as<std::string>{}, "{reply: tick, field: id}",
                             "{reply: tick, field: id, key: [op], durable: true}");
  resume_scene s{counts(rule), {{of_id, "8"}, {"other", "1"}}};
  CHECK(s.safe.told == lines{of_id + " forgotten"});
  auto server = s.play->accept();
  tick(*server, 20, 20);
  s.play->run_for(1s);
  CHECK(logged(*s.play, "expected") == 0);
}

TEST_CASE("a reload lets a durable sequence go on if its rule is the same", "[resume]") {
  const auto [rule, told] = GENERATE(table<std::string, bool>(
      {{"{reply: tick, field: id, durable: true, action: resubscribe}, {reply: tick, field: n}", true},
       {"{reply: tick, field: id, durable: true, key: [op]}", false}}));
  const bool reconnects = GENERATE(false, true);
  resume_scene s{counts(durable_ids)};
  auto server = s.play->accept();
  tick(*server, 1, 7);
  s.play->run_for(1s);
  const auto settings = next_settings(counts(rule, reconnects ? "    linger: 1s\n" : ""));
  auto second = reconnects ? s.play->accept() : server;
  if (reconnects)
    s.play->session->replace(settings, {{&s.play->out, nullptr}});
  else
    s.play->session->adopt(settings, {{&s.play->out, nullptr}});
  s.play->run_for(1s);
  tick(*second, 10, 10);
  s.play->run_for(1s);
  CHECK(s.play->links.dials == (reconnects ? 2 : 1));
  CHECK(logged(*s.play, "expected 8, found 10") == (told ? 1 : 0));
}

// The configuration may allow fewer bytes than the run before had.
TEST_CASE("what has no room any more is said, and forgotten", "[resume]") {
  values before;
  for (int key = 0; key < 10; ++key)
    before[R"(sequence:["tick","id",["k"],["x)" + std::to_string(key) + "\"]]"] = "8";
  resume_scene s{
      counts("{reply: tick, field: id, key: [k], durable: true}", "    limits: {sequences: 1KiB}\n"), before};
  CHECK(logged(*s.play,
               "not all that durable rules of liveness.sequence have counted is watched "
               "(limits.sequences)") == 1);
  CHECK(s.safe.all["s"].size() == 10 - s.safe.told.size());
  CHECK(s.safe.told.size() == 3);
}

TEST_CASE("a handler after: journaled waits until its event is committed, in order", "[resume]") {
  resume_scene s{acknowledges};
  auto server = s.play->accept();
  tick(*server, 1, 3);
  s.play->run_for(1h);
  CHECK(heard(*server).empty());
  s.safe.commit(2);  // the journal says so while the handler sleeps
  s.play->run_for(0s);
  CHECK(heard(*server) == lines{"pong 1", "pong 2"});
  tick(*server, 4, 4);
  s.play->run_for(1h);
  CHECK(heard(*server).size() == 2);
  s.safe.commit(4);
  s.play->run_for(0s);
  CHECK(heard(*server) == lines{"pong 1", "pong 2", "pong 3", "pong 4"});
}

// Committed is not enough, and what another output has taken is nothing.
TEST_CASE("a handler after an output waits until that one has taken its event, in order", "[resume]") {
  resume_scene s{R"(
    on: [{reply: tick, after: f, do: [{send: pong, with: {id: "${reply:id}"}}]}]
)"};
  auto server = s.play->accept();
  tick(*server, 1, 4);
  s.play->run_for(1s);
  s.safe.commit(4);
  s.safe.take("another", 4);
  s.play->run_for(1h);
  CHECK(heard(*server).empty());
  s.safe.take("f", 3);
  s.play->run_for(0s);
  CHECK(heard(*server) == lines{"pong 1", "pong 2", "pong 3"});
  s.safe.take("f", 4);
  s.play->run_for(0s);
  CHECK(heard(*server).back() == "pong 4");
}

TEST_CASE("what was to be acknowledged on a link that is lost is not acknowledged on the next", "[resume]") {
  resume_scene s{acknowledges};
  auto first = s.play->accept();
  auto second = s.play->accept();
  tick(*first, 1, 2);
  s.play->run_for(1s);
  first->vanish({.kind = config::fault_class::lost, .cause = "gone"});
  s.play->run_for(1h);
  REQUIRE(s.play->links.dials == 2);
  s.safe.commit(s.safe.number);
  s.play->run_for(1s);
  tick(*second, 3, 3);
  s.play->run_for(1s);
  s.safe.commit(s.safe.number);
  s.play->run_for(1s);
  CHECK(heard(*first).empty());
  CHECK(heard(*second) == lines{"pong 3"});
}

// Each takes 256 bytes beside its own: the fourth passes the limit.
TEST_CASE("replies that wait for the journal are bounded: reading stops", "[resume]") {
  resume_scene s{"    limits: {inbox: 1KiB}\n" + acknowledges};
  auto server = s.play->accept();
  tick(*server, 1, 100);
  s.play->run_for(1h);
  CHECK(s.safe.number == 4);
  while (s.safe.done < 100) {
    const std::uint64_t before = s.safe.done;
    s.safe.commit(s.safe.number);
    s.play->run_for(1s);
    REQUIRE(s.safe.done > before);
  }
  CHECK(heard(*server).size() == 100);
}
