// Who watches what comes: replies that must come again and again, and numbers that must count up.
#include "daemon/session/freshness.hpp"
#include "daemon/session/sequence_watch.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using names = std::vector<std::string>;

namespace {

constexpr duplexd::clock::time_point start{};

/// Two rules on one protocol: tick within 5 s, ping within 8 s.
struct watched {
  stage play{talk_yaml("")};
  const protocol::protocol& types = *play.settings.sessions.at(0).protocol;
  std::vector<config::freshness_settings> rules{{.reply = "tick", .within = 5s},
                                                {.reply = "ping", .within = 8s}};
  freshness fresh{rules, types};

  names run_out(duplexd::clock::time_point now) {
    names all;
    for (const auto* rule : fresh.run_out(now)) all.push_back(rule->reply);
    return all;
  }
  void see(const char* reply, duplexd::clock::time_point now) {
    fresh.seen(types.find(protocol::direction::reply, reply), now);
  }
};

/// What was found missing: "expected/found key".
names gaps(sequence_watch& watch, const std::string& reply, const ordered_json& data) {
  names all;
  for (const sequence_gap& each : watch.see(reply, data))
    all.push_back(each.rule->field + " " + each.expected.dump() + "/" + each.found.dump() + " " +
                  each.key.dump());
  return all;
}

}  // namespace

TEST_CASE("nothing is overdue before the watch has started") {
  watched all;
  CHECK_FALSE(all.fresh.empty());
  CHECK(all.fresh.check_at() == duplexd::clock::time_point::max());
  CHECK(all.run_out(start + 24h).empty());
  const freshness none{{}, all.types};
  CHECK(none.empty());
  CHECK(none.check_at() == duplexd::clock::time_point::max());
}

TEST_CASE("a reply is overdue when its time has passed, and again after as long") {
  watched all;
  all.fresh.start(start);
  CHECK(all.fresh.check_at() == start + 5s);
  CHECK(all.run_out(start + 5s - 1ns).empty());
  CHECK(all.run_out(start + 5s) == names{"tick"});
  CHECK(all.run_out(start + 5s).empty());
  CHECK(all.fresh.check_at() == start + 8s);
  CHECK(all.run_out(start + 8s) == names{"ping"});
  CHECK(all.fresh.check_at() == start + 10s);
  CHECK(all.run_out(start + 20s) == names{"tick", "ping"});
  CHECK(all.fresh.check_at() == start + 25s);
}

TEST_CASE("a reply that comes has its time again, and no other's") {
  watched all;
  all.fresh.start(start);
  all.see("tick", start + 4s);
  all.see("got", start + 7s);
  CHECK(all.fresh.check_at() == start + 8s);
  CHECK(all.run_out(start + 8s) == names{"ping"});
  CHECK(all.run_out(start + 9s) == names{"tick"});
}

TEST_CASE("numbers that follow one another are not a gap, every other number is one") {
  const std::vector<config::sequence_settings> rules{{.reply = "tick", .field = "n", .key = {}}};
  sequence_watch watch{rules, 4096};
  CHECK(gaps(watch, "tick", {{"n", 7}}).empty());  // the first is taken as it is
  CHECK(gaps(watch, "tick", {{"n", 8}}).empty());
  CHECK(gaps(watch, "tick", {{"n", 10}}) == names{"n 9/10 []"});
  CHECK(gaps(watch, "tick", {{"n", 11}}).empty());  // the count goes on from what came
  CHECK(gaps(watch, "tick", {{"n", 11}}) == names{"n 12/11 []"});
  CHECK(gaps(watch, "tick", {{"n", 0}}) == names{"n 12/0 []"});  // the server started again
  CHECK(gaps(watch, "tick", {{"n", 1}}).empty());
}

TEST_CASE("counters of 64 bits stay what they are, and start again behind the last number") {
  const std::vector<config::sequence_settings> rules{{.reply = "tick", .field = "n", .key = {}}};
  sequence_watch watch{rules, 4096};
  const auto last = std::numeric_limits<std::uint64_t>::max();
  CHECK(gaps(watch, "tick", {{"n", std::uint64_t{1} << 63}}).empty());
  CHECK(gaps(watch, "tick", {{"n", (std::uint64_t{1} << 63) + 1}}).empty());
  CHECK(gaps(watch, "tick", {{"n", last - 1}}) == names{"n 9223372036854775810/18446744073709551614 []"});
  CHECK(gaps(watch, "tick", {{"n", last}}).empty());
  CHECK(gaps(watch, "tick", {{"n", 0}}).empty());
  CHECK(gaps(watch, "tick", {{"n", -2}}) == names{"n 1/-2 []"});
  CHECK(gaps(watch, "tick", {{"n", -1}}).empty());
  CHECK(gaps(watch, "tick", {{"n", 0}}).empty());
}

TEST_CASE("on a new link only what is missing is a gap") {
  const std::vector<config::sequence_settings> rules{{.reply = "tick", .field = "n", .key = {"k"}}};
  sequence_watch watch{rules, 4096};
  watch.begin_link();
  for (const char* key : {"a", "b", "c", "d"}) CHECK(gaps(watch, "tick", {{"k", key}, {"n", 7}}).empty());
  watch.begin_link();
  CHECK(gaps(watch, "tick", {{"k", "a"}, {"n", 8}}).empty());
  CHECK(gaps(watch, "tick", {{"k", "b"}, {"n", 9}}) == names{R"(n 8/9 ["b"])"});
  CHECK(gaps(watch, "tick", {{"k", "c"}, {"n", 7}}).empty());
  CHECK(gaps(watch, "tick", {{"k", "e"}, {"n", 99}}).empty());
  for (const auto& [key, number] : {std::pair{"a", 8}, {"b", 11}, {"c", 9}})  // the same link
    CHECK(gaps(watch, "tick", {{"k", key}, {"n", number}}).size() == 1);
  watch.begin_link();
  watch.begin_link();
  CHECK(gaps(watch, "tick", {{"k", "d"}, {"n", 10}}) == names{R"(n 8/10 ["d"])"});
  // Beyond the numbers that have a sign.
  const auto last = std::numeric_limits<std::uint64_t>::max();
  CHECK(gaps(watch, "tick", {{"k", "f"}, {"n", last - 5}}).empty());
  watch.begin_link();
  CHECK(gaps(watch, "tick", {{"k", "f"}, {"n", 3}}).empty());
  CHECK(gaps(watch, "tick", {{"k", "f"}, {"n", 4}}).empty());
  watch.begin_link();
  CHECK(gaps(watch, "tick", {{"k", "f"}, {"n", last}}).size() == 1);
}

namespace {

using kept = std::map<std::string, std::string>;
const std::vector<config::sequence_settings> durable_rules{
    {.reply = "tick", .field = "n", .key = {"k"}, .durable = true}};
constexpr const char* of_x = R"(sequence:["tick","n",["k"],["x"]])";

/// A watch with a limit, and what it has kept.
struct keeping {
  explicit keeping(std::uint64_t limit, const kept& before = {}) : watch(durable_rules, limit), all(before) {
    has_room = watch.make_durable(before, [this](const std::string& name, const std::string& value) {
      if (value.empty())
        all.erase(name);
      else
        all[name] = value;
    });
    watch.begin_link();
  }
  sequence_watch watch;
  kept all;
  bool has_room = false;
};

}  // namespace

TEST_CASE("durable rules keep what they expect, for each key, and go on with it") {
  keeping first{4096};
  CHECK(gaps(first.watch, "tick", {{"k", "x"}, {"n", 7}}).empty());
  CHECK(gaps(first.watch, "tick", {{"k", 2}, {"n", -1}}).empty());
  CHECK(gaps(first.watch, "tick", {{"n", std::numeric_limits<std::uint64_t>::max()}}).empty());
  CHECK(first.all == kept{{of_x, "8"},
                          {R"(sequence:["tick","n",["k"],[2]])", "0"},
                          {R"(sequence:["tick","n",["k"],[null]])", "0"}});
  keeping second{4096, first.all};
  CHECK(second.has_room);
  CHECK(second.all == first.all);
  CHECK(gaps(second.watch, "tick", {{"k", 2}, {"n", 0}}).empty());
  const auto found = second.watch.see("tick", {{"k", "x"}, {"n", 10}});
  REQUIRE(found.size() == 1);
  CHECK(found[0].over_links);
  CHECK(found[0].expected == 8);
  CHECK(gaps(second.watch, "tick", {{"k", "x"}, {"n", 12}}) == names{R"(n 11/12 ["x"])"});
  CHECK(second.all.at(of_x) == "13");
}

// What a later version, or a hand, may have written there.
TEST_CASE("what is no number of a durable rule is forgotten, what is not of rules stays") {
  const keeping all{4096,
                    {{of_x, "\"8\""},
                     {R"(sequence:["tick","n",["k"],["y"]])", "7.5"},
                     {R"(sequence:["tick","n",["k"],["z"]])", "{"},
                     {R"(sequence:["tick","n",["k"],)", "8"},
                     {"sequence:", "8"},
                     {R"(sequence:["tick","n",["k","l"],["x"]])", "8"},
                     {"counter:a", "1"},
                     {"sequence", "1"},
                     {"t", "1"}}};
  CHECK(all.all == kept{{"counter:a", "1"}, {"sequence", "1"}, {"t", "1"}});
  CHECK(all.has_room);
}

// ["x"] has 5 bytes, the name that it is kept under 33, and there are 96 beside.
TEST_CASE("keys of durable rules take the bytes of their names, too, and what has no room is not kept") {
  const auto [limit, fits] = GENERATE(table<std::uint64_t, bool>({{134, true}, {133, false}}));
  keeping first{limit};
  CHECK(gaps(first.watch, "tick", {{"k", "x"}, {"n", 7}}).empty());
  CHECK(first.watch.overflowed() == !fits);
  CHECK(first.all.size() == (fits ? 1 : 0));
  const keeping second{limit, {{of_x, "8"}}};
  CHECK(second.has_room == fits);
  CHECK(second.all.size() == (fits ? 1 : 0));
}

TEST_CASE("only the rule's reply counts, and only whole numbers") {
  const std::vector<config::sequence_settings> rules{{.reply = "tick", .field = "at.n", .key = {}}};
  sequence_watch watch{rules, 4096};
  const auto number = [](const ordered_json& value) { return ordered_json{{"at", {{"n", value}}}}; };
  CHECK(gaps(watch, "tick", number(1)).empty());
  CHECK(gaps(watch, "ping", number(5)).empty());
  CHECK(gaps(watch, "tick", number("9")).empty());
  CHECK(gaps(watch, "tick", number(9.5)).empty());
  CHECK(gaps(watch, "tick", {{"n", 9}}).empty());
  CHECK(gaps(watch, "tick", number(2)).empty());
  CHECK(gaps(watch, "tick", number(4)) == names{"at.n 3/4 []"});
}

TEST_CASE("each key and each rule counts by itself") {
  const std::vector<config::sequence_settings> rules{{.reply = "tick", .field = "n", .key = {"sym", "side"}},
                                                     {.reply = "tick", .field = "all", .key = {}}};
  sequence_watch watch{rules, 4096};
  CHECK(gaps(watch, "tick", {{"sym", "a"}, {"side", 1}, {"n", 1}, {"all", 1}}).empty());
  CHECK(gaps(watch, "tick", {{"sym", "a"}, {"side", 2}, {"n", 5}, {"all", 2}}).empty());
  CHECK(gaps(watch, "tick", {{"sym", "b"}, {"n", 9}, {"all", 3}}).empty());
  CHECK(gaps(watch, "tick", {{"sym", "a"}, {"side", 1}, {"n", 3}, {"all", 5}}) ==
        names{R"(n 2/3 ["a",1])", "all 4/5 []"});
  CHECK(gaps(watch, "tick", {{"sym", "b"}, {"n", 11}, {"all", 6}}) == names{R"(n 10/11 ["b",null])"});
  CHECK(gaps(watch, "tick", {{"sym", "a"}, {"side", 2}, {"n", 6}, {"all", 7}}).empty());
}
