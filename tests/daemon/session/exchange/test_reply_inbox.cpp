// Where replies wait for the steps that ask for them.
#include <boost/asio/co_spawn.hpp>

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

/// A inbox that keeps `got` and `done` of the talk protocol.
class scene {
 public:
  void offer(const ordered_json& what) { offer_text(what.dump()); }
  void offer_text(const std::string& bytes) {
    packets_.begin(
        {protocol::frame_kind::text, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
    protocol::packet packet;
    while (packets_.next(packet)) board.offer(packet);
  }

  /// Somebody waits; `answers` gets what it takes: its id, "-" for nothing.
  void take(wanted_reply what, duplexd::clock::time_point deadline) {
    waiters_.spawn(0, take_one(board, std::move(what), deadline, answers));
    time.run_for(0s);
  }
  std::string take_now(wanted_reply what) {
    answers.clear();
    take(std::move(what), time.now());
    return answers.at(0);
  }
  void cancel() { waiters_.cancel_all(); }
  ~scene() {
    cancel();
    time.run_for(0s);
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  config::settings settings = stage{talk_yaml("")}.settings;
  reply_inbox board{loop.get_executor(), time, *settings.sessions.at(0).protocol, {"got", "done", "unheard"}};
  lines answers;

 private:
  static asio::awaitable<int> take_one(reply_inbox& from, wanted_reply what,
                                       duplexd::clock::time_point deadline, lines& out) {
    const auto reply = co_await from.take(what, deadline);
    out.push_back(reply ? reply->name + " " + reply->data.value("id", ordered_json()).dump() : "-");
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
  scene s;
  for (int id = 1; id <= 3; ++id) s.offer({{"op", "got"}, {"id", id}});
  CHECK(s.take_now(any_of({"got"})) == "got 1");
  CHECK(s.take_now(any_of({"got"}, {{"id", 3}})) == "got 3");
  CHECK(s.take_now(any_of({"got"})) == "got 2");
  CHECK(s.take_now(any_of({"got"})) == "-");
}

TEST_CASE("only the names that somebody may ask for are kept and numbered") {
  scene s;
  lines observed;
  s.board.observe([&](const arrived_reply& reply, const protocol::packet& packet) {
    observed.push_back(std::to_string(reply.number) + " " + reply.name + " " +
                       std::to_string(packet.frame.bytes.size()));
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
  scene s;
  s.offer({{"op", "got"}, {"id", 1}});
  s.offer({{"op", "got"}, {"id", 2}});
  CHECK(s.take_now(any_of({"got"}, nullptr, 3)) == "-");
  CHECK(s.take_now(any_of({"got"}, nullptr, 2)) == "got 2");
  CHECK(s.take_now(any_of({"got"}, nullptr, 1)) == "got 1");
}

// So many replies that nobody took are kept, and no more: then the oldest is forgotten.
TEST_CASE("the board keeps the newest replies") {
  const auto beyond = GENERATE(as<std::size_t>{}, 0, 1, 2);
  scene s;
  for (std::size_t i = 0; i < reply_inbox::capacity + beyond; ++i) s.offer({{"op", "got"}, {"id", i}});
  CHECK(s.take_now(any_of({"got"})) == "got " + std::to_string(beyond));
  CHECK(s.take_now(any_of({"got"}, {{"id", reply_inbox::capacity + beyond - 1}})) ==
        "got " + std::to_string(reply_inbox::capacity + beyond - 1));
}

TEST_CASE("who waits gets what comes, before the deadline and not after it") {
  scene s;
  s.take(any_of({"got"}), s.time.now() + 5s);
  s.take(any_of({"done"}), s.time.now() + 5s);
  CHECK(s.answers.empty());
  s.time.run_for(4s);
  s.offer({{"op", "done"}, {"id", 1}});
  s.time.run_for(0s);
  CHECK(s.answers == lines{"done 1"});
  s.time.run_for(1s);
  CHECK(s.answers == lines{"done 1", "-"});
}

TEST_CASE("of two who wait for the same reply the first gets it") {
  scene s;
  s.take(any_of({"got"}), s.time.now() + 5s);
  s.take(any_of({"got"}), s.time.now() + 6s);
  s.offer({{"op", "got"}, {"id", 1}});
  s.time.run_for(0s);
  CHECK(s.answers == lines{"got 1"});
  s.time.run_for(10s);
  CHECK(s.answers == lines{"got 1", "-"});
}

TEST_CASE("a cancelled wait ends with nothing") {
  scene s;
  s.take(any_of({"got"}), duplexd::clock::time_point::max());
  s.cancel();
  s.time.run_for(0s);
  CHECK(s.answers == lines{"-"});
}
