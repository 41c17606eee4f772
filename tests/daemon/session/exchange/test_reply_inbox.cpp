// Where replies wait for the steps that ask for them.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "daemon/runtime/task_group.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using lines = std::vector<std::string>;

namespace {

constexpr std::uint64_t limit = 64u << 10;

/// An inbox that keeps `got` and `done` of the talk protocol, for a flow that began before the first.
class reply_inbox_scene {
 public:
  reply_inbox_scene() { mark.count_from_here(board); }
  void offer(const ordered_json& what) { offer_text(what.dump()); }
  void offer_text(const std::string& bytes) {
    packets_.begin(
        {protocol::frame_kind::text, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
    protocol::packet packet;
    while (packets_.next(packet)) board.offer(packet);
  }

  /// Somebody waits; `answers` gets what it takes: its id, "-" for nothing.
  void take(wanted_reply what, duplexd::clock::duration patience) {
    waiters_.spawn(0, take_one(board, std::move(what), patience, answers));
    time.run_for(0s);
  }
  std::string take_now(wanted_reply what) {
    answers.clear();
    take(std::move(what), 0s);
    return answers.at(0);
  }
  void cancel() { waiters_.cancel_all(); }
  ~reply_inbox_scene() {
    cancel();
    time.run_for(0s);
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  config::settings settings = stage{talk_yaml("")}.settings;
  reply_inbox board{
      loop.get_executor(), time, settings.sessions.at(0).protocol, {"got", "done", "unheard"}, limit};
  reply_mark mark;
  lines answers;

 private:
  static asio::awaitable<int> take_one(reply_inbox& from, wanted_reply what,
                                       duplexd::clock::duration patience, lines& out) {
    const kept_reply reply = co_await from.take(what, patience);
    out.push_back(reply ? reply->name() + " " + reply->values()->value("id", ordered_json()).dump() : "-");
    co_return 0;
  }
  protocol::packet_reader packets_{settings.sessions.at(0).protocol, protocol::direction::reply};
  task_group<int> waiters_{loop.get_executor()};
};

wanted_reply any_of(lines names, ordered_json where = nullptr, std::uint64_t since = 0) {
  return {std::move(names), std::move(where), {}, since};
}

}  // namespace

TEST_CASE("a wanted reply has one of the names, fits and is correlated") {
  wanted_reply wanted{{"got", "done"}, {{"ok", true}}, {{"id", 7}, {"of.n", "x"}}};
  const ordered_json data{{"ok", true}, {"id", 7}, {"of", {{"n", "x"}}}};
  CHECK(wanted.fits("got", data));
  CHECK(wanted.fits("done", data));
  CHECK_FALSE(wanted.fits("tick", data));
  const auto with = [&](const char* pointer, const ordered_json& value) {
    ordered_json changed = data;
    changed[ordered_json::json_pointer(pointer)] = value;
    return changed;
  };
  CHECK_FALSE(wanted.fits("got", with("/ok", false)));
  CHECK_FALSE(wanted.fits("got", with("/id", 8)));
  CHECK_FALSE(wanted.fits("got", with("/of", nullptr)));
  CHECK(wanted_reply{{"got"}, nullptr}.fits("got", {}));
}

TEST_CASE("replies are taken in the order in which they came, each once") {
  reply_inbox_scene s;
  for (int id = 1; id <= 3; ++id) s.offer({{"op", "got"}, {"id", id}});
  CHECK(s.take_now(any_of({"got"})) == "got 1");
  CHECK(s.take_now(any_of({"got"}, {{"id", 3}})) == "got 3");
  CHECK(s.take_now(any_of({"got"})) == "got 2");
  CHECK(s.take_now(any_of({"got"})) == "-");
}

TEST_CASE("only the names that somebody may ask for are kept and numbered") {
  reply_inbox_scene s;
  lines observed;
  for (const char* name : {"got", "done"})
    s.board.observe(name, {}, [&](offered_reply& reply) {
      observed.push_back(std::to_string(reply.number()) + " " + reply.name() + " " +
                         std::to_string(reply.packet().frame.bytes.size()));
    });
  CHECK(s.board.next_number() == 1);
  s.offer({{"op", "tick"}, {"id", 1}});
  CHECK(s.board.next_number() == 1);
  s.offer({{"op", "got"}});
  s.offer({{"op", "done"}, {"id", 12}});
  s.offer_text(R"({"op":"what"})");
  CHECK(s.board.next_number() == 3);
  CHECK(observed == lines{"1 got 12", "2 done 21"});
  CHECK(s.take_now(any_of({"tick"})) == "-");
}

TEST_CASE("replies with a lower number than asked for are left") {
  reply_inbox_scene s;
  s.offer({{"op", "got"}, {"id", 1}});
  s.offer({{"op", "got"}, {"id", 2}});
  CHECK(s.take_now(any_of({"got"}, nullptr, 3)) == "-");
  CHECK(s.take_now(any_of({"got"}, nullptr, 2)) == "got 2");
  CHECK(s.take_now(any_of({"got"}, nullptr, 1)) == "got 1");
}

// So many bytes of replies that nobody took are kept, and no more: then the oldest is forgotten, and it is
// said.
TEST_CASE("the inbox keeps the newest replies") {
  const auto beyond = GENERATE(as<std::size_t>{}, 0, 1, 2, 4);
  reply_inbox_scene s;
  std::uint64_t forgotten = 0;
  s.board.on_forgotten([&](std::uint64_t count) { forgotten = count; });
  const std::string padding(
      1024 - arrived_reply::overhead - std::string(R"({"op":"got","id":10,"s":""})").size(), 'x');
  for (std::size_t i = 0; i < limit / 1024 + beyond; ++i)
    s.offer({{"op", "got"}, {"id", 10 + i}, {"s", padding}});
  CHECK(forgotten == beyond);
  CHECK(s.take_now(any_of({"got"})) == "got " + std::to_string(10 + beyond));
  CHECK(s.take_now(any_of({"got"}, {{"id", 9 + limit / 1024 + beyond}})) ==
        "got " + std::to_string(9 + limit / 1024 + beyond));
}

TEST_CASE("what nobody may ask for makes room beyond the bound, not at it", "[bounds]") {
  const bool beyond = GENERATE(false, true);
  reply_inbox_scene s;
  const std::string padding(
      limit / 4 - arrived_reply::overhead - std::string(R"({"op":"got","id":1,"s":""})").size(), 'x');
  for (int id = 1; id <= 3; ++id) s.offer({{"op", "got"}, {"id", id}, {"s", padding}});
  s.mark.count_from_here(s.board);
  s.offer({{"op", "got"}, {"id", 4}, {"s", padding + (beyond ? "x" : "")}});
  CHECK(s.take_now(any_of({"got"})) == (beyond ? "got 4" : "got 1"));
}

TEST_CASE("a reply larger than the bound is kept alone") {
  reply_inbox_scene s;
  s.offer({{"op", "got"}, {"id", 1}});
  s.offer({{"op", "got"}, {"id", 2}, {"s", std::string(limit, 'x')}});
  CHECK(s.take_now(any_of({"got"})) == "got 2");
  CHECK(s.take_now(any_of({"got"})) == "-");
}

// Replies that no flow may ask for any more make room silently; where nobody may ask nothing is kept.
TEST_CASE("only what some flow may still ask for is kept") {
  reply_inbox_scene s;
  std::uint64_t forgotten = 0;
  s.board.on_forgotten([&](std::uint64_t count) { forgotten = count; });
  const std::string large(limit / 4, 'x');
  for (int id = 1; id <= 3; ++id) s.offer({{"op", "got"}, {"id", id}, {"s", large}});
  s.mark.count_from_here(s.board);
  for (int id = 4; id <= 6; ++id) s.offer({{"op", "got"}, {"id", id}, {"s", large}});
  CHECK(forgotten == 0);
  CHECK(s.take_now(any_of({"got"}, nullptr, s.mark.since())) == "got 4");
  s.mark.release();
  s.offer({{"op", "done"}, {"id", 7}});
  CHECK(s.take_now(any_of({"done"})) == "-");
  const reply_mark later{s.mark};
  CHECK(later.since() == s.board.next_number());
  s.offer({{"op", "done"}, {"id", 8}});
  CHECK(s.take_now(any_of({"done"}, nullptr, later.since())) == "done 8");
}

// What certainly is nowhere in a reply needs no look at its fields.
TEST_CASE("a text is lacking only where it cannot be") {
  reply_inbox_scene s;
  std::vector<bool> lacking;
  s.board.observe("got", {},
                  [&](offered_reply& reply) { lacking.push_back(reply.lacks(quoted_text("abc"))); });
  s.offer_text(R"({"op":"got","id":"abc"})");
  s.offer_text(R"({"op":"got","id":"abcd"})");
  s.offer_text(R"({"op":"got","id":"\u0061bc"})");  // the same text
  s.offer_text(R"({"op":"got","deep":[{"abc":1}]})");
  CHECK(lacking == std::vector<bool>{false, true, false, false});
}

// Each reply finds its waiter among many by what it is equal to, whatever else they ask for.
TEST_CASE("a reply goes to the first waiter that it fits") {
  reply_inbox_scene s;
  const auto wait = [&](wanted_reply what) { s.take(std::move(what), 5s); };
  wait({{"got"}, {{"id", {{"$min", 50}}}}});  // a list: compared one by one
  for (int id = 0; id < 60; ++id) wait({{"got", "done"}, nullptr, {{"id", id}}});
  wait({{"got"}, {{"id", 7}}});  // the same as a correlated one, later
  wait({{"got"}, {{"id", 7.0}, {"ok", true}}});
  wait({{"done"}, {{"id", {{"$any", {7, 8}}}}}});
  wait({{"got"}, nullptr, {{"id", 3}, {"id", 4}}});  // never
  const auto answered = [&](const ordered_json& reply) {
    s.answers.clear();
    s.offer(reply);
    s.time.run_for(0s);
    return s.answers;
  };
  CHECK(answered({{"op", "got"}, {"id", 55}}) == lines{"got 55"});  // the list came first
  CHECK(answered({{"op", "got"}, {"id", 55.0}}) == lines{"got 55.0"});
  CHECK(answered({{"op", "got"}, {"id", 55}}).empty());
  CHECK(answered({{"op", "done"}, {"id", 7}}) == lines{"done 7"});
  CHECK(answered({{"op", "got"}, {"id", 7}}) == lines{"got 7"});
  CHECK(answered({{"op", "got"}, {"id", 7}}).empty());  // that one asks for ok as well
  CHECK(answered({{"op", "got"}, {"id", 7}, {"ok", true}}) == lines{"got 7"});
  CHECK(answered({{"op", "done"}, {"id", 8}}) == lines{"done 8"});
  CHECK(answered({{"op", "done"}, {"id", 8}}) == lines{"done 8"});
  CHECK(answered({{"op", "got"}, {"id", "9"}}).empty());
  CHECK(answered({{"op", "got"}, {"id", 4}}) == lines{"got 4"});
  CHECK(answered({{"op", "got"}, {"id", 4}}).empty());
}

// Whoever was cancelled in the turn in which a reply was handed over leaves it to the next.
TEST_CASE("a reply for somebody who gave up is not lost") {
  const bool somebody_else = GENERATE(false, true);
  reply_inbox_scene s;
  s.take(any_of({"got"}), 5s);
  asio::post(s.loop, [&] { s.cancel(); });
  s.offer({{"op", "got"}, {"id", 1}});  // handed over before, resumed after it was cancelled
  s.time.run_for(0s);
  CHECK(s.answers == lines{"-"});
  if (somebody_else) s.offer({{"op", "got"}, {"id", 2}});
  CHECK(s.take_now(any_of({"got"})) == "got 1");
}

TEST_CASE("the time of those who wait stands still while the link is not read") {
  reply_inbox_scene s;
  s.take(any_of({"got"}), 5s);
  s.time.run_for(4s);
  s.board.patience().hold();
  s.time.run_for(60s);
  s.take(any_of({"done"}), 2s);
  s.time.run_for(60s);
  CHECK(s.answers.empty());
  s.board.patience().release();
  s.board.released();
  s.time.run_for(999ms);
  CHECK(s.answers.empty());
  s.time.run_for(1ms);
  CHECK(s.answers == lines{"-"});
  s.offer({{"op", "done"}, {"id", 1}});
  s.time.run_for(0s);
  CHECK(s.answers == lines{"-", "done 1"});
}

TEST_CASE("who waits gets what comes, before the deadline and not after it") {
  reply_inbox_scene s;
  s.take(any_of({"got"}), 5s);
  s.take(any_of({"done"}), 5s);
  CHECK(s.answers.empty());
  s.time.run_for(4s);
  s.offer({{"op", "done"}, {"id", 1}});
  s.time.run_for(0s);
  CHECK(s.answers == lines{"done 1"});
  s.time.run_for(1s);
  CHECK(s.answers == lines{"done 1", "-"});
}

TEST_CASE("of two who wait for the same reply the first gets it") {
  reply_inbox_scene s;
  s.take(any_of({"got"}), 5s);
  s.take(any_of({"got"}), 6s);
  s.offer({{"op", "got"}, {"id", 1}});
  s.time.run_for(0s);
  CHECK(s.answers == lines{"got 1"});
  s.time.run_for(10s);
  CHECK(s.answers == lines{"got 1", "-"});
}

TEST_CASE("a cancelled wait ends with nothing") {
  reply_inbox_scene s;
  s.take(any_of({"got"}), reply_inbox::for_ever);
  s.cancel();
  s.time.run_for(0s);
  CHECK(s.answers == lines{"-"});
}
