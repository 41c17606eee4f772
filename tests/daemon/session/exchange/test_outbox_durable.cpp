// Durable commands in the outbox: nothing leaves, and nothing is told, before the disk knows it.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <map>

#include "daemon/session/exchange/outbox.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using stage_of = kept_command::stage;

namespace {

/// A disk whose commits the test does.
class scripted_keeper final : public command_keeper {
 public:
  std::uint64_t accept(kept_command what, std::string& error, done told) override {
    if (full) error = "no room";
    if (full) return 0;
    const std::uint64_t number = what.number = all.size() + 1;
    all[number] = std::move(what);
    changes.push_back("accept " + std::to_string(number));
    waiting.push_back(std::move(told));
    return number;
  }
  void mark(std::uint64_t number, done told) override {
    all[number].at = stage_of::sending;
    ++all[number].attempts;
    changes.push_back("mark " + std::to_string(number));
    waiting.push_back(std::move(told));
  }
  void unmark(std::uint64_t number, bool was_sent) override {
    all[number].at = stage_of::accepted;
    if (!was_sent) --all[number].attempts;
    changes.push_back("unmark " + std::to_string(number));
  }
  [[nodiscard]] std::uint32_t attempts(std::uint64_t number) const override {
    return all.at(number).attempts;
  }
  void end(std::uint64_t number, ending how, done told) override {
    changes.push_back(how.state + " " + std::to_string(number));
    waiting.push_back(std::move(told));
  }
  void commit(const std::string& failed = "") {
    for (const done& each : std::exchange(waiting, {})) each(failed);
  }
  lines news() { return std::exchange(changes, {}); }

  std::map<std::uint64_t, kept_command> all;
  std::vector<done> waiting;
  lines changes;
  bool full = false;
};

const char* const kinds = R"(
    commands:
      put: {offline: queue, durable: true, ttl: 10s}
      get: {durable: true, idempotent: true, ttl: 100s, confirm: got, correlate: {id: id}, timeout: 3s}
      pong: {offline: queue}
    outbox: {max: 3}
)";

struct outbox_durable_scene {
  ~outbox_durable_scene() { time.run_for(0s); }
  void attach() {
    auto next = std::make_unique<scripted_link>(server);
    box->attach(next.get());
    link = std::move(next);
    box->open_gate();
  }
  void detach() {
    box->attach(nullptr);
    link.reset();
  }
  /// It breaks before the kernel has told that it took anything; another server comes.
  void lose() {
    server->vanish({.kind = config::fault_class::lost, .cause = "reset"});
    protocol::frame_view nothing;
    while (link->next(nothing) || link->end_is_next()) {
    }
    detach();
    for (const std::string& each : heard(*server)) lost.push_back(each);
    server = std::make_shared<scripted_server>(loop.get_executor());
    server->time = &time;
  }
  std::function<void(const submission&)> follow(const std::string& name) {
    return [this, name](const submission& what) {
      told.push_back(name + " " + name_of(what.state) + (what.has_ended ? "." : "") +
                     (what.is_given_back ? " given back:" : "") + (what.why.empty() ? "" : " " + what.why));
    };
  }
  void submit(const std::string& command, int id, bool comes_again = false) {
    box->submit(command, {{"id", id}}, follow(command + " " + std::to_string(id)),
                {.id = std::to_string(id), .comes_again = comes_again});
  }
  /// An earlier run left it.
  void restore(const std::string& command, stage_of at, std::uint32_t attempts = 1) {
    kept_command what{.number = keeper.all.size() + 1,
                      .session = "s",
                      .source = "",
                      .id = "9",
                      .command = command,
                      .values = R"({"id":9})",
                      .at = at,
                      .attempts = attempts,
                      .accepted = time.wall() - 4s,
                      .ttl = 10s};
    keeper.all[what.number] = what;
    box->restore(what, follow(command));
  }
  lines news() { return std::exchange(told, {}); }

  asio::io_context loop{1};
  virtual_clock time{loop};
  config::settings settings = stage{"journal: {path: /j}\n" + talk_yaml(kinds)}.settings;
  std::shared_ptr<scripted_server> server = std::make_shared<scripted_server>(loop.get_executor());
  std::unique_ptr<scripted_link> link;
  scripted_keeper keeper;
  std::optional<outbox> box{std::in_place, loop.get_executor(), time,
                            std::make_shared<const config::session_settings>(settings.sessions.at(0)),
                            &keeper};
  lines told;
  lines lost;  ///< what servers had heard
};

}  // namespace

TEST_CASE("a durable command is accepted, leaves and ends when the disk knows it", "[commands]") {
  outbox_durable_scene s;
  s.server->time = &s.time;
  s.attach();
  s.submit("put", 1);
  CHECK(s.news() == lines{"put 1 received"});
  CHECK(s.box->queued() == 0);
  CHECK_FALSE(s.box->is_idle());
  s.keeper.commit();
  CHECK(s.news() == lines{"put 1 queued"});
  CHECK(s.keeper.news() == lines{"accept 1", "mark 1"});
  s.time.run_for(1s);
  CHECK(heard(*s.server).empty());  // not marked yet
  s.keeper.commit();
  s.time.run_for(0s);
  CHECK(heard(*s.server) == lines{"put 1"});
  asio::co_spawn(s.loop, s.box->run_link(), asio::detached);
  s.time.run_for(0s);
  CHECK(s.keeper.news() == lines{"written 1"});
  CHECK(s.news().empty());  // not told yet
  s.keeper.commit();
  CHECK(s.news() == lines{"put 1 written."});
  CHECK(s.box->is_idle());
}

TEST_CASE("what the disk does not take is refused, and what is no command is not asked for", "[commands]") {
  outbox_durable_scene s;
  s.submit("put", 1);
  s.keeper.commit("disk full");
  CHECK(s.news() == lines{"put 1 received", "put 1 refused. disk full"});
  s.keeper.full = true;
  s.submit("put", 2);
  CHECK(s.news() == lines{"put 2 refused. no room"});
  s.keeper.full = false;
  s.keeper.news();
  s.box->submit("put", {{"no_field", 1}}, s.follow("put"));
  CHECK(s.news().size() == 1);
  CHECK(s.keeper.news().empty());
  CHECK(s.box->is_idle());
}

// At the bound and one beyond: those that are not on the disk yet count.
TEST_CASE("durable commands beyond outbox.max are refused before they are kept", "[commands][bounds]") {
  outbox_durable_scene s;
  for (int id = 1; id <= 4; ++id) s.submit("put", id);
  CHECK(s.news() == lines{"put 1 received", "put 2 received", "put 3 received",
                          "put 4 refused. too many commands are waiting"});
  s.keeper.commit();
  s.submit("put", 5);
  CHECK(s.news().back() == "put 5 refused. too many commands are waiting");
  CHECK(s.box->queued() == 3);
}

// Their place is theirs, whatever comes before the disk has them.
TEST_CASE("durable commands that were accepted find room", "[commands][bounds]") {
  outbox_durable_scene s;
  for (int id = 1; id <= 2; ++id) s.submit("put", id);
  s.submit("pong", 3);
  s.submit("pong", 4);
  CHECK(s.news().back() == "pong 4 refused. too many commands are waiting");
  s.keeper.commit();
  CHECK(s.news() == lines{"put 1 queued", "put 2 queued"});
  CHECK(s.box->queued() == 3);
}

TEST_CASE("what its origin keeps is given back if it cannot be taken for now", "[commands][bounds]") {
  outbox_durable_scene s;
  SECTION("the queue is full") {
    for (int id = 1; id <= 3; ++id) s.submit("put", id, true);
    s.submit("put", 4, true);
    s.submit("pong", 5, true);
    s.keeper.commit();
    CHECK(s.news() == lines{"put 1 received", "put 2 received", "put 3 received",
                            "put 4 refused. given back: too many commands are waiting",
                            "pong 5 refused. given back: too many commands are waiting", "put 1 queued",
                            "put 2 queued", "put 3 queued"});
    CHECK(s.keeper.all.size() == 3);
  }
  SECTION("the journal has no room") {
    s.keeper.full = true;
    s.submit("put", 1, true);
    CHECK(s.news() == lines{"put 1 refused. given back: no room"});
  }
  SECTION("the journal cannot be written") {
    s.submit("put", 1, true);
    s.keeper.commit("disk full");
    CHECK(s.news() == lines{"put 1 received", "put 1 refused. given back: disk full"});
  }
  SECTION("it is drained") {
    s.box->refuse_new("drained");
    s.submit("put", 1, true);
    CHECK(s.news() == lines{"put 1 refused. given back: drained"});
  }
  SECTION("the session has ended") {
    s.box->give_up();
    s.submit("pong", 1, true);
    CHECK(s.news() == lines{"pong 1 refused. given back: the session has ended"});
  }
  SECTION("it will never be taken") {
    s.submit("no_such", 1, true);
    s.submit("get", 2, true);  // it does not wait for a link
    s.box->submit("put", {{"no_field", 1}}, s.follow("put"), {.comes_again = true});
    const lines told = s.news();
    REQUIRE(told.size() == 3);
    CHECK(told[0] == "no_such 1 refused. the protocol has no such command");
    CHECK(told[1] == "get 2 received");
    CHECK(told[2].starts_with("put refused. "));
  }
}

TEST_CASE("a command that is larger than the queue is refused", "[commands][bounds]") {
  outbox_durable_scene s;
  auto settings = s.settings.sessions.at(0);
  settings.outbox.size = 64;
  s.box->replace(std::make_shared<const config::session_settings>(settings));
  const auto put = [&](std::size_t size) {
    s.box->submit("put", {{"id", 1}, {"data", std::string(size, 'x')}}, s.follow("put"),
                  {.id = "a", .comes_again = true});
    std::string told = s.news().front();
    for (int i = 0; i < 2; ++i) {
      s.keeper.commit();
      s.box->cancel("", "a");
    }
    s.news();
    return told;
  };
  std::size_t size = 0;
  while (size < 64 && put(size) == "put received") ++size;
  CHECK(put(size) == "put refused. it has more bytes than outbox.size allows");
  CHECK(size > 0);
  CHECK(s.box->is_idle());
}

TEST_CASE("a mark that fails is tried again, in order, and a link that is gone takes it back", "[commands]") {
  outbox_durable_scene s;
  for (int id = 1; id <= 2; ++id) s.submit("put", id);
  s.keeper.commit();
  s.submit("pong", 3);
  s.keeper.news();
  s.attach();
  CHECK(s.keeper.news() == lines{"mark 1", "mark 2"});
  s.keeper.commit("locked");
  CHECK(s.keeper.news() == lines{"unmark 2", "unmark 1"});
  s.time.run_for(outbox::mark_pause);
  s.submit("pong", 4);  // refused: they are three, and it looks at the queue
  s.box->open_gate();
  CHECK(s.keeper.news() == lines{"mark 1", "mark 2"});
  s.detach();
  s.keeper.commit();
  CHECK(s.keeper.news() == lines{"unmark 2", "unmark 1"});
  CHECK(s.keeper.all.at(1).attempts == 0);
  s.attach();
  s.keeper.commit();
  s.time.run_for(0s);
  CHECK(heard(*s.server) == lines{"put 1", "put 2", "pong 3"});
}

TEST_CASE("a command that is marked and has not left when the link ends is unmarked", "[commands]") {
  outbox_durable_scene s;
  s.attach();
  s.submit("put", 1);
  s.keeper.commit();
  s.server->takes_bytes = false;
  s.server->unsent_bytes = outbox::low_water + 1;
  s.keeper.commit();
  CHECK(s.keeper.news() == lines{"accept 1", "mark 1"});
  s.detach();
  CHECK(s.keeper.news() == lines{"unmark 1"});
  CHECK(s.keeper.all.at(1).attempts == 0);
  s.server->takes_bytes = true;
  s.attach();
  CHECK(s.keeper.news() == lines{"mark 1"});
}

TEST_CASE("a link that ends: unknown, or sent again up to four times if that is harmless", "[commands]") {
  outbox_durable_scene s;
  s.submit("put", 1);
  s.submit("get", 2);
  s.keeper.commit();
  s.news();
  for (int attempt = 1; attempt <= 4; ++attempt) {
    s.attach();
    s.keeper.commit();
    s.time.run_for(0s);
    s.lose();
    s.keeper.commit();
  }
  CHECK(s.news() == lines{"put 1 unknown. the link ended while it was leaving",
                          "get 2 refused. quarantined: its connection ended four times before its own end"});
  CHECK(s.lost == lines{"put 1", "get 2", "get 2", "get 2", "get 2"});
  CHECK(s.box->is_idle());
}

TEST_CASE("a link that ends in order: what was not confirmed is sent again if that is harmless",
          "[commands]") {
  outbox_durable_scene s;
  s.submit("get", 1);
  s.keeper.commit();
  s.attach();
  s.keeper.commit();
  s.time.run_for(0s);
  s.news();
  s.detach();
  CHECK(s.news() == lines{"get 1 written"});
  CHECK(s.box->queued() == 1);
  s.attach();
  s.keeper.commit();
  s.box->see("got", {{"id", 1}}, R"({"id":1})");
  s.keeper.commit();
  CHECK(s.news().back() == "get 1 confirmed.");
  CHECK(s.keeper.all.at(1).attempts == 2);
}

TEST_CASE("what an earlier run left is queued, or ends at once", "[commands]") {
  outbox_durable_scene s;
  SECTION("accepted: for the rest of its ttl") {
    s.restore("put", stage_of::accepted, 0);
    CHECK(s.news() == lines{"put queued"});
    asio::co_spawn(s.loop, s.box->run(), asio::detached);
    s.time.run_for(6s - 1ms);
    CHECK(s.keeper.changes.empty());
    s.time.run_for(1ms);
    s.keeper.commit();
    CHECK(s.news() == lines{"put expired. it waited for too long"});
  }
  SECTION("expired meanwhile") {
    s.time.run_for(0s);
    kept_command what{.number = 1,
                      .id = "1",
                      .command = "put",
                      .values = "{}",
                      .accepted = s.time.wall() - 10s,
                      .ttl = 10s};
    s.keeper.all[1] = what;
    s.box->restore(what, s.follow("put"));
    s.keeper.commit();
    CHECK(s.news() == lines{"put expired. it waited for too long"});
  }
  SECTION("sending") {
    s.restore("put", stage_of::sending);
    s.keeper.commit();
    CHECK(s.news() == lines{"put unknown. the daemon ended while it was being sent"});
  }
  SECTION("sending, and harmless to repeat") {
    s.restore("get", stage_of::sending, 3);
    CHECK(s.news() == lines{"get queued"});
    CHECK(s.keeper.all.at(1).attempts == 3);
  }
  SECTION("the fourth time") {
    s.restore("get", stage_of::sending, 4);
    s.keeper.commit();
    CHECK(s.news() == lines{"get refused. quarantined: its connection ended four times before its own end"});
  }
  SECTION("only what was being sent counts its attempts") {
    s.restore("put", stage_of::accepted, 4);
    CHECK(s.news() == lines{"put queued"});
  }
  SECTION("damaged on the disk") {
    kept_command what{.number = 1,
                      .id = "1",
                      .command = "put",
                      .values = R"({"id":)",
                      .accepted = s.time.wall(),
                      .ttl = 10s};
    s.keeper.all[1] = what;
    s.box->restore(what, s.follow("put"));
    s.keeper.commit();
    CHECK(s.news() == lines{"put refused. its values are damaged"});
  }
  SECTION("a command that is none any more") {
    s.restore("gone", stage_of::accepted);
    s.keeper.commit();
    CHECK(s.news() == lines{"gone refused. the protocol has no such command any more"});
  }
}

TEST_CASE("at the end of the session durable commands stay as they are, a cancelled one does not",
          "[commands]") {
  outbox_durable_scene s;
  for (int id = 1; id <= 3; ++id) s.submit("put", id);
  s.keeper.commit();
  CHECK(s.box->cancel("", "2"));
  CHECK_FALSE(s.box->cancel("", "4"));
  s.keeper.commit();
  CHECK(s.news().back() == "put 2 refused. cancelled");
  CHECK_FALSE(s.box->cancel("", "2"));
  s.keeper.news();
  s.box->give_up();
  CHECK(s.keeper.news().empty());
  CHECK(s.news().empty());
  s.submit("put", 5);
  CHECK(s.news() == lines{"put 5 refused. the session has ended"});
}

// A reload took the session away: nobody is called back.
TEST_CASE("the disk may answer when the outbox is gone", "[commands]") {
  outbox_durable_scene s;
  s.submit("put", 1);
  s.news();
  s.box.reset();
  s.keeper.commit();
  CHECK(s.news().empty());
}
