// The outbox by itself, on a link whose kernel the test is: what leaves when, and what each command's
// submitter is told.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "daemon/runtime/task_group.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using lines = std::vector<std::string>;

namespace {

constexpr duplexd::clock::time_point start{};
const fault reset{.kind = config::fault_class::lost, .cause = "reset"};

const char* const three_kinds = R"(
    commands:
      put: {offline: queue, ttl: 10s, coalesce: [id]}
      get: {offline: queue, ttl: 10s, confirm: got, correlate: {id: id}, timeout: 3s}
      pong: {offline: fail, confirm: done, where: {ok: true}, timeout: 3s}
    outbox: {max: 3}
)";

class door {
 public:
  explicit door(const std::string& fields = three_kinds) : settings(stage{talk_yaml(fields)}.settings) {
    server->time = &time;
  }
  ~door() {
    asio::post(loop, [this] { tasks_.cancel_all(); });  // a group belongs to its loop
    turn();
  }

  /// A link comes; with `open` its login is over.
  void attach(bool open = true) {
    auto next = std::make_unique<scripted_link>(server);
    box.attach(next.get(), [this] {
      ++begun;
      tasks_.spawn(0, call(box.run_link()));
    });
    link = std::move(next);
    if (open) box.open_gate();
  }
  /// The link's tasks are ended first, as whoever owns the link does.
  void detach() {
    asio::post(loop, [this] { tasks_.cancel(0); });
    turn();
    box.attach(nullptr);
  }
  void end(std::optional<fault> why = std::nullopt) {
    why ? server->vanish(*why) : server->close({1000, ""});
    protocol::frame_view nothing;
    while (link->next(nothing) || link->end_is_next()) {
    }
  }
  /// Submits; `told[command id]` follows it.
  void submit(const std::string& command, int id) {
    box.submit(command, {{"id", id}}, [this, command, id](const submission& what) {
      told.push_back(command + " " + std::to_string(id) + " " + name_of(what.state) +
                     (what.has_ended ? "." : "") + (what.why.empty() ? "" : " " + what.why));
    });
  }
  /// What was told since this was last asked.
  lines news() { return std::exchange(told, {}); }
  void run() { tasks_.spawn(1, call(box.run())); }
  void wait_written() { tasks_.spawn(2, note(box.wait_written(), written)); }
  void turn() { time.run_for(0s); }

  asio::io_context loop{1};
  virtual_clock time{loop};
  config::settings settings;
  std::shared_ptr<scripted_server> server = std::make_shared<scripted_server>(loop.get_executor());
  std::unique_ptr<scripted_link> link;
  outbox box{loop.get_executor(), time,
             std::make_shared<const config::session_settings>(settings.sessions.at(0))};
  unsigned begun = 0;
  unsigned written = 0;
  lines told;

 private:
  static asio::awaitable<int> call(asio::awaitable<void> work) {
    co_await std::move(work);
    co_return 0;
  }
  static asio::awaitable<int> note(asio::awaitable<void> work, unsigned& ended) {
    co_await std::move(work);
    ++ended;
    co_return 0;
  }
  task_group<int> tasks_{loop.get_executor()};
};

bool send(outbox& box, bool answer_awaited = false) {
  static const std::uint8_t byte = 1;
  return box.send({protocol::frame_kind::binary, {&byte, 1}}, answer_awaited);
}

}  // namespace

TEST_CASE("a script's message needs a link that lives") {
  door d;
  CHECK_FALSE(send(d.box));
  d.attach(false);
  CHECK(send(d.box));
  CHECK(d.server->flushed == 0);
  CHECK(send(d.box, true));
  CHECK(d.server->flushed == 1);
  CHECK(d.server->received.size() == 2);
  d.end();
  CHECK_FALSE(send(d.box));
  d.box.attach(nullptr);
  CHECK_FALSE(send(d.box));
  CHECK_FALSE(d.box.congested());
  CHECK(d.server->received.size() == 2);
}

TEST_CASE("above low water senders wait, above high water they are refused") {
  door d;
  d.attach();
  d.server->takes_bytes = false;
  d.server->unsent_bytes = outbox::low_water;
  CHECK_FALSE(d.box.congested());
  d.server->unsent_bytes = outbox::low_water + 1;
  CHECK(d.box.congested());
  d.server->unsent_bytes = outbox::high_water;
  CHECK(send(d.box));
  d.server->unsent_bytes = outbox::high_water + 1;
  CHECK_FALSE(send(d.box));
}

TEST_CASE("what limits how often messages are sent is known") {
  CHECK_FALSE(door{}.box.has_rates());
  CHECK(door{"    rate: {messages: 2}\n"}.box.has_rates());
  CHECK(door{"    commands: {put: {rate: {messages: 2}}}\n"}.box.has_rates());
}

TEST_CASE("a turn is the later one of the session's and the command's") {
  door d{"    rate: {messages: 1, per: 1s}\n    commands: {put: {rate: {messages: 1, per: 5s}}}\n"};
  CHECK(d.box.take_turn("put") == start);
  CHECK(d.box.take_turn("put") == start + 5s);
  CHECK(d.box.take_turn("get") == start + 2s);
  CHECK(d.box.take_turn("") == start + 3s);
  CHECK(d.box.take_turn("put") == start + 10s);
}

TEST_CASE("whoever waits until all is written waits no longer than that") {
  door d;
  d.wait_written();
  d.turn();
  CHECK(d.written == 1);  // there is no link
  d.attach();
  d.wait_written();
  d.turn();
  CHECK(d.written == 2);  // nothing is on its way
  CHECK(d.begun == 0);
  d.server->take_bytes(false);
  d.wait_written();
  d.wait_written();
  d.turn();
  CHECK(d.written == 2);
  CHECK(d.begun == 1);  // one looks for both
  d.server->take_bytes(true);
  d.turn();
  CHECK(d.written == 4);
  d.server->take_bytes(false);
  d.wait_written();
  d.turn();
  CHECK(d.begun == 2);  // the first has ended
  SECTION("the link is taken away") {
    d.detach();
  }
  SECTION("the link ends") {
    d.end(reset);
    d.detach();
  }
  d.turn();
  CHECK(d.written == 5);
}

TEST_CASE("why a command is refused") {
  door d;
  d.submit("no_such", 1);
  CHECK(d.news() == lines{"no_such 1 refused. the protocol has no such command"});
  d.submit("pong", 2);
  CHECK(d.news() == lines{"pong 2 refused. there is no link"});
  for (int id = 3; id <= 5; ++id) d.submit("get", id);
  CHECK(d.news() == lines{"get 3 queued", "get 4 queued", "get 5 queued"});
  CHECK(d.box.queued() == 3);
  d.submit("get", 6);
  CHECK(d.news() == lines{"get 6 refused. too many commands are waiting"});
  const auto fate = d.box.submit("get", {{"no_field", 1}});
  CHECK(fate->state == command_state::refused);
  CHECK(fate->why.find("no_field") != std::string::npos);
  CHECK(fate->command == "get");
  d.box.give_up();
  CHECK(d.news() == lines{"get 3 refused. the session has ended", "get 4 refused. the session has ended",
                          "get 5 refused. the session has ended"});
  CHECK(d.box.queued() == 0);
}

TEST_CASE("a newer command replaces the one that waits") {
  door d;
  d.submit("put", 1);
  d.submit("put", 1);
  CHECK(d.news() == lines{"put 1 queued", "put 1 replaced. a newer command came", "put 1 queued"});
  CHECK(d.box.queued() == 1);
}

TEST_CASE("commands leave when the login is over, not when the link comes") {
  door d;
  d.submit("put", 1);
  d.attach(false);
  d.submit("put", 2);
  d.submit("pong", 3);
  CHECK(d.news() == lines{"put 1 queued", "put 2 queued", "pong 3 refused. there is no link"});
  CHECK(d.server->received.empty());
  d.box.open_gate();
  CHECK(heard(*d.server) == lines{"put 1", "put 2"});
  CHECK(d.box.queued() == 0);
  d.turn();
  CHECK(d.news() == lines{"put 1 written.", "put 2 written."});
  d.attach(false);  // the next link has a login of its own
  d.submit("put", 4);
  d.turn();
  CHECK(d.news() == lines{"put 4 queued"});
}

TEST_CASE("a command is stale at its time, not before, and is not sent then") {
  door d;
  d.submit("put", 1);
  d.time.run_for(10s - 1ms);
  d.submit("put", 2);
  d.time.run_for(1ms);
  d.attach();
  CHECK(heard(*d.server) == lines{"put 2"});
  CHECK(d.news() == lines{"put 1 queued", "put 2 queued", "put 1 expired. it waited for too long"});
}

TEST_CASE("at the session's end what is stale is expired, the rest refused") {
  door d;
  d.submit("put", 1);
  d.time.run_for(10s);
  d.submit("put", 2);
  d.news();
  d.box.give_up();
  CHECK(d.news() == lines{"put 2 refused. the session has ended"});
}

TEST_CASE("whoever looks after the queue ends what has waited for too long, in time") {
  door d;
  d.run();
  d.submit("put", 1);
  d.time.run_for(9s);
  CHECK(d.news() == lines{"put 1 queued"});
  d.time.run_for(1s);
  CHECK(d.news() == lines{"put 1 expired. it waited for too long"});
  d.attach();
  d.submit("get", 2);
  d.time.run_for(3s - 1ms);
  CHECK(d.news() == lines{"get 2 queued", "get 2 written"});
  d.time.run_for(1ms);
  CHECK(d.news() == lines{"get 2 timed out. no reply confirmed it in time"});
}

TEST_CASE("commands wait for their turn, and look neither too early nor too late") {
  door d{std::string(three_kinds) + "    rate: {messages: 1, per: 2s}\n"};
  d.attach();
  d.run();
  for (int id = 1; id <= 3; ++id) d.submit("put", id);
  d.turn();
  CHECK(heard(*d.server) == lines{"put 1"});
  d.time.run_for(2s - 1ms);
  CHECK(heard(*d.server) == lines{"put 1"});
  d.time.run_for(1ms);
  CHECK(heard(*d.server) == lines{"put 1", "put 2"});
  d.time.run_for(2s);
  CHECK(heard(*d.server) == lines{"put 1", "put 2", "put 3"});
}

TEST_CASE("nothing more leaves while much is on its way, then the queue goes on by itself") {
  door d;
  d.attach();
  d.server->takes_bytes = false;
  d.server->unsent_bytes = outbox::low_water + 1;
  d.box.open_gate();
  CHECK(d.begun == 0);  // nothing waits
  d.submit("put", 1);
  d.submit("put", 2);
  d.turn();
  CHECK(d.server->received.empty());
  CHECK(d.begun == 1);
  d.server->take_bytes(true);
  d.turn();
  CHECK(heard(*d.server) == lines{"put 1", "put 2"});
  CHECK(d.news() == lines{"put 1 queued", "put 2 queued", "put 1 written.", "put 2 written."});
}

TEST_CASE("a command is written when the kernel has all of it") {
  door d;
  d.attach();
  d.server->takes_bytes = false;
  d.submit("put", 1);
  d.turn();
  CHECK(d.server->received.size() == 1);
  CHECK(d.news() == lines{"put 1 queued"});
  d.server->take_bytes(true);
  d.turn();
  CHECK(d.news() == lines{"put 1 written."});
}

// The end of a link may be noticed in the very turn in which a command left by it.
TEST_CASE("what is known of a command when its link is taken away") {
  door d;
  d.attach();
  SECTION("the kernel had taken it: written") {
    d.submit("put", 1);
    d.box.attach(nullptr);
    CHECK(d.news() == lines{"put 1 queued", "put 1 written."});
  }
  SECTION("the server closed the link, but the kernel had taken it: written") {
    d.submit("put", 1);
    d.end();
    d.box.attach(nullptr);
    CHECK(d.news() == lines{"put 1 queued", "put 1 written."});
  }
  SECTION("the link broke: unknown") {
    d.submit("put", 1);
    d.end(reset);
    d.box.attach(nullptr);
    CHECK(d.news() == lines{"put 1 queued", "put 1 unknown. the link ended while it was leaving"});
  }
  SECTION("the kernel had not taken it: unknown") {
    d.server->takes_bytes = false;
    d.submit("put", 1);
    d.box.attach(nullptr);
    CHECK(d.news() == lines{"put 1 queued", "put 1 unknown. the link ended while it was leaving"});
  }
  SECTION("written, and never confirmed: unknown") {
    d.submit("get", 1);
    d.turn();
    d.box.attach(nullptr);
    CHECK(d.news() ==
          lines{"get 1 queued", "get 1 written", "get 1 unknown. the link ended before it was confirmed"});
  }
  d.box.attach(nullptr);
  CHECK(d.news().empty());
}

TEST_CASE("a reply confirms the first command that it fits, and that one only") {
  door d;
  d.attach();
  d.submit("get", 1);
  d.submit("get", 2);
  d.submit("pong", 3);
  d.submit("pong", 4);
  d.turn();
  d.news();
  d.box.see("got", {{"id", 3}});
  d.box.see("done", {{"id", 2}, {"ok", false}});
  CHECK(d.news().empty());
  d.box.see("got", {{"id", 2}});
  CHECK(d.news() == lines{"get 2 confirmed."});
  d.box.see("got", {{"id", 2}});
  CHECK(d.news().empty());
  d.box.see("done", {{"ok", true}});
  CHECK(d.news() == lines{"pong 3 confirmed."});
  d.box.see("done", {{"ok", true}});
  CHECK(d.news() == lines{"pong 4 confirmed."});
}

TEST_CASE("what confirms a command is told, and not kept") {
  door d;
  d.attach();
  std::string told;
  const auto fate = d.box.submit("get", {{"id", 1}}, [&](const submission& what) { told = what.data; });
  d.turn();
  d.box.see("got", {{"id", 1}}, R"({"id":1})");
  CHECK(told == R"({"id":1})");
  CHECK(fate->state == command_state::confirmed);
  CHECK(fate->data.empty());
}

TEST_CASE("a reply in the turn in which its command left confirms it, unless the link has ended") {
  door d;
  d.attach();
  d.submit("get", 1);
  d.box.see("got", {{"id", 1}});
  CHECK(d.news() == lines{"get 1 queued", "get 1 written", "get 1 confirmed."});
  d.submit("get", 2);
  d.end();
  d.box.see("got", {{"id", 2}});
  CHECK(d.news() == lines{"get 2 queued"});
}

TEST_CASE("a confirmation that comes at its limit is late") {
  door d;
  d.attach();
  d.submit("get", 1);
  d.submit("get", 2);
  d.turn();
  d.time.run_for(3s);
  d.submit("put", 3);  // looks at the limits, too
  CHECK(d.news() == lines{"get 1 queued", "get 2 queued", "get 1 written", "get 2 written", "put 3 queued",
                          "get 1 timed out. no reply confirmed it in time",
                          "get 2 timed out. no reply confirmed it in time"});
}
