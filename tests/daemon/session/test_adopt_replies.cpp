// A session that takes other layouts for its replies while its connection stays.
#include <boost/asio/post.hpp>

#include "config/load/load.hpp"
#include "config/load/reload_plan.hpp"
#include "protocol/message/message_type.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;

namespace {

// The same bytes fit both.
constexpr const char* whole = "        - {as: tick, when: {opcode: 1}, layout: 'op:B n:I'}\n";
constexpr const char* halves = "        - {as: tick, when: {opcode: 1}, layout: 'op:B n:H m:H'}\n";
constexpr const char* done = "        - {as: done, when: {opcode: 2}, layout: 'op:B n:I'}\n";
constexpr const char* done_halves = "        - {as: done, when: {opcode: 2}, layout: 'op:B n:H m:H'}\n";

std::string binary_yaml(const std::string& replies, const std::string& fields) {
  return R"(version: 1
sessions:
  s:
    url: ws://server/
    protocol:
      byte_order: little
      opcode: {at: 0, type: B}
      framing: {length: B, counts: after, strip: true}
      commands:
        put: 'op:B=9 n:I'
      replies:
)" + replies +
         (fields.starts_with("    liveness:") ? "" : "    liveness: {ping_interval: 0, idle_timeout: 0}\n") +
         fields;
}

/// A packet of six bytes, its length in front: `n` is what `whole` says.
std::string packet_of(char code, std::uint32_t n) {
  std::string made{'\x05', code};
  for (int shift = 0; shift < 32; shift += 8) made += static_cast<char>((n >> shift) & 0xff);
  return made;
}

/// What `whole` reads as one number, and `halves` as n and m.
constexpr std::uint32_t both(std::uint32_t n, std::uint32_t m) {
  return n | m << 16;
}

struct adopt_replies_scene {
  explicit adopt_replies_scene(const std::string& replies, const std::string& fields = "")
      : fields_(fields), play(binary_yaml(replies, fields)) {
    server = play.accept();
    play.run_for(1s);
  }
  ~adopt_replies_scene() {
    play.session->stop();
    play.run_for(1h);
    CHECK(end_of(play).empty());
  }
  adopt_replies_scene(const adopt_replies_scene&) = delete;
  adopt_replies_scene& operator=(const adopt_replies_scene&) = delete;

  void adopt(const std::string& replies) { adopt(replies, fields_); }
  void adopt(const std::string& replies, const std::string& fields) {
    protocol::diagnostics mistakes;
    auto loaded = config::load_text(binary_yaml(replies, fields), config::document_format::yaml, "next.yaml",
                                    {}, mistakes);
    REQUIRE(loaded);
    CHECK(config::stays_connected(play.session->settings().digest, loaded->sessions.at(0).digest));
    const auto shared = std::make_shared<const config::session_settings>(std::move(loaded->sessions.at(0)));
    play.session->adopt(shared, {{&play.out, nullptr}});
  }
  void say(const std::string& bytes) {
    server->say(binary(bytes));
    play.run_for(0s);
  }
  void tick(std::uint32_t n) { say(packet_of(1, n)); }

  /// The data of the newest event.
  [[nodiscard]] ordered_json newest() const {
    return play.out.lines.empty() ? ordered_json() : ordered_json::parse(play.out.lines.back())["data"];
  }
  /// The numbers of the commands that the server got.
  [[nodiscard]] std::vector<std::uint32_t> put() const {
    std::vector<std::uint32_t> all;
    for (const message& each : server->received) {
      std::uint32_t n = 0;
      for (std::size_t i = 0; i < 4; ++i)
        n |= static_cast<std::uint32_t>(static_cast<unsigned char>(each.bytes.at(2 + i))) << (8 * i);
      all.push_back(n);
    }
    return all;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return play.session->counters().replies; }

 private:
  std::string fields_;

 public:
  stage play;
  std::shared_ptr<scripted_server> server;
};

using numbers = std::vector<std::uint32_t>;
using counted = std::vector<std::uint64_t>;

constexpr const char* echo = "    on: [{reply: tick, do: [{send: put, with: {n: '${reply:n}'}}]}]\n";
constexpr const char* echo_second = "    on: [{reply: tick, do: [{send: put, with: {n: '${reply:m}'}}]}]\n";

}  // namespace

TEST_CASE("layouts of replies change between two messages, and the connection stays", "[adopt]") {
  adopt_replies_scene s{whole, echo};
  s.tick(both(1, 2));
  CHECK(s.newest() == ordered_json{{"op", 1}, {"n", both(1, 2)}});
  s.adopt(halves);
  s.tick(both(1, 2));
  CHECK(s.newest() == ordered_json{{"op", 1}, {"n", 1}, {"m", 2}});
  s.adopt(halves, echo_second);
  s.tick(both(1, 2));
  s.adopt(whole);
  s.tick(both(3, 4));
  CHECK(s.newest() == ordered_json{{"op", 1}, {"n", both(3, 4)}});
  CHECK(s.put() == numbers{both(1, 2), 1, 2, both(3, 4)});
  CHECK(s.play.links.dials == 1);
  CHECK(s.counts() == counted{4});
}

// More packets than fit into one turn of the receiver: the reload comes when some were handled.
TEST_CASE("a message of several packets belongs to one configuration", "[adopt]") {
  constexpr std::uint32_t packets = 600;
  adopt_replies_scene s{whole, echo};
  std::string bytes;
  for (std::uint32_t i = 1; i <= packets; ++i) bytes += packet_of(1, both(i, 7));
  const bool twice = GENERATE(false, true);
  const bool back = GENERATE(false, true);
  std::size_t handled = 0;
  s.play.out.on_append = [&] {
    if (s.play.out.lines.size() != 1) return;
    asio::post(s.play.loop, [&] {
      handled = s.play.out.lines.size();
      if (twice) s.adopt(whole, echo + std::string("    required: false\n"));
      s.adopt(halves, echo_second);
      if (back) s.adopt(whole);
    });
  };
  s.say(bytes);
  s.play.out.on_append = [] {};
  CHECK(handled > 0);
  CHECK(handled < packets);
  REQUIRE(s.play.out.lines.size() == packets);
  for (std::uint32_t i = 0; i < packets; ++i) {
    const ordered_json data = ordered_json::parse(s.play.out.lines[i])["data"];
    if (data != ordered_json{{"op", 1}, {"n", both(i + 1, 7)}}) FAIL_CHECK(data.dump());
  }
  s.tick(both(1, 2));
  const auto heard_numbers = s.put();
  REQUIRE(heard_numbers.size() == packets + 1);
  for (std::uint32_t i = 0; i < packets; ++i)
    if (heard_numbers[i] != both(i + 1, 7)) FAIL_CHECK(heard_numbers[i]);
  CHECK(heard_numbers.back() == (back ? both(1, 2) : 2U));
  CHECK(s.counts() == counted{packets + 1});
  CHECK(s.play.links.dials == 1);
}

TEST_CASE("settings that wait for the end of a message are taken with the next connection, too", "[adopt]") {
  adopt_replies_scene s{whole};
  auto second = s.play.accept();
  std::string bytes;
  for (std::uint32_t i = 1; i <= 600; ++i) bytes += packet_of(1, i);
  const bool replaced = GENERATE(false, true);
  s.play.out.on_append = [&] {
    if (s.play.out.lines.size() != 1) return;
    asio::post(s.play.loop, [&] {
      s.adopt(std::string(halves) + done);
      if (!replaced) return s.play.session->reconnect();
      protocol::diagnostics mistakes;
      auto loaded = config::load_text(binary_yaml(halves, ""), config::document_format::yaml, "next.yaml", {},
                                      mistakes);
      REQUIRE(loaded);
      s.play.session->replace(
          std::make_shared<const config::session_settings>(std::move(loaded->sessions.at(0))),
          {{&s.play.out, nullptr}});
    });
  };
  s.say(bytes);
  s.play.run_for(10s);
  second->say(binary(packet_of(1, both(5, 6))));
  s.play.run_for(1s);
  CHECK(s.newest() == ordered_json{{"op", 1}, {"n", 5}, {"m", 6}});
  CHECK(s.counts() == (replaced ? counted{1} : counted{601, 0}));
  CHECK(s.play.links.dials == 2);
}

TEST_CASE("replies that wait for a handler are those that came", "[adopt]") {
  adopt_replies_scene s{
      whole, "    on: [{reply: tick, do: [{sleep: 10s}, {send: put, with: {n: '${reply:n}'}}]}]\n"};
  s.tick(both(1, 9));
  s.tick(both(2, 9));
  s.adopt(halves);
  s.tick(both(3, 9));
  s.play.run_for(1min);
  CHECK(s.put() == numbers{both(1, 9), both(2, 9), 3});
}

TEST_CASE("a step that waits gets the reply as it is unpacked now", "[adopt]") {
  adopt_replies_scene s{
      whole,
      "    script: [{expect: tick, where: {n: 7}, timeout: 1h}, {send: put, with: {n: '${reply:n}'}}]\n"};
  s.tick(both(7, 1));  // another number
  s.adopt(std::string(done) + halves);
  s.tick(both(6, 1));
  CHECK(s.put().empty());
  s.tick(both(7, 2));
  CHECK(s.put() == numbers{7});
  CHECK(s.play.links.dials == 1);
}

TEST_CASE("a reply that no step has taken yet stays as it came", "[adopt]") {
  adopt_replies_scene s{whole,
                        "    script: [{sleep: 10s}, {expect: tick}, {send: put, with: {n: '${reply:n}'}}]\n"};
  s.tick(both(1, 2));
  s.adopt(halves);
  s.play.run_for(10s);
  CHECK(s.put() == numbers{both(1, 2)});
}

TEST_CASE("commands are confirmed over a change of what confirms them", "[adopt]") {
  adopt_replies_scene s{std::string(whole) + done,
                        "    commands: {put: {confirm: done, correlate: {n: n}, timeout: 1h}}\n"};
  const auto first = s.play.session->submit("put", {{"n", 4}});
  s.play.run_for(0s);
  CHECK(first->state == command_state::written);
  s.adopt(std::string(done_halves) + whole);
  s.say(packet_of(2, both(5, 1)));
  CHECK(first->state == command_state::written);
  s.say(packet_of(2, both(4, 1)));
  CHECK(first->state == command_state::confirmed);
  CHECK(s.put() == numbers{4});
}

TEST_CASE("a login is rejected by another reply than the expected one over a change of replies", "[adopt]") {
  stage play(binary_yaml(std::string(whole) + done,
                         "    login: {send: put, with: {n: 1}, expect: done}\n    reconnect: {fatal: "
                         "[login_rejected]}\n"));
  auto server = play.accept();
  play.run_for(1s);
  protocol::diagnostics mistakes;
  auto loaded = config::load_text(binary_yaml(std::string(done) + halves, ""), config::document_format::yaml,
                                  "next.yaml", {}, mistakes);
  REQUIRE(loaded);
  auto next = play.session->settings();
  next.protocol = loaded->sessions.at(0).protocol;
  play.session->adopt(std::make_shared<const config::session_settings>(next), {{&play.out, nullptr}});
  server->say(binary(packet_of(1, both(1, 2))));
  play.run_for(1min);
  CHECK(end_of(play).starts_with("login_rejected: the server answered the login with tick"));
}

TEST_CASE("replies are counted by name, whatever their order, and between two connections", "[adopt]") {
  adopt_replies_scene s{std::string(whole) + done};
  s.tick(1);
  s.tick(2);
  s.say(packet_of(2, 1));
  CHECK(s.counts() == counted{2, 1});
  s.adopt(std::string(done) + "        - {as: other, when: {opcode: 3}, layout: 'op:B n:I'}\n" + halves);
  CHECK(s.counts() == counted{1, 0, 2});
  s.say(packet_of(3, 1));
  CHECK(s.counts() == counted{1, 1, 2});
  CHECK(s.play.session->messages().types(protocol::direction::reply).size() == 3);
  s.play.session->pause();
  s.play.run_for(1min);
  s.adopt(std::string(whole) + done + "        - {as: other, when: {opcode: 3}, layout: 'op:B n:I'}\n");
  CHECK(s.counts() == counted{2, 1, 1});
  auto second = s.play.accept();
  s.play.session->resume();
  s.play.run_for(1s);
  second->say(binary(packet_of(1, 9)));
  s.play.run_for(0s);
  CHECK(s.counts() == counted{3, 1, 1});
}

TEST_CASE("what is watched in replies goes on over a change of them", "[adopt]") {
  adopt_replies_scene s{
      whole,
      "    liveness: {ping_interval: 0, idle_timeout: 0, fresh: [{reply: tick, within: 10s}],\n"
      "      sequence: [{reply: tick, field: n}]}\n"};
  s.tick(1);
  s.play.run_for(6s);
  s.adopt(std::string(done) + halves);
  s.play.run_for(5s);
  CHECK(logged(s.play, "no reply tick for 10") == 1);  // its time went on
  s.play.run_for(4s);
  s.tick(both(2, 5));
  s.tick(both(4, 5));
  CHECK(logged(s.play, "expected 3, found 4") == 1);
  s.play.run_for(9s);
  CHECK(logged(s.play, "no reply tick") == 1);
}

TEST_CASE("messages that were read ahead are unpacked as the settings now say", "[adopt]") {
  adopt_replies_scene s{whole};
  s.play.out.full = true;
  s.tick(both(1, 2));
  s.adopt(halves);
  s.play.out.full = false;
  s.play.out.changed.notify();
  s.play.run_for(0s);
  CHECK(s.newest() == ordered_json{{"op", 1}, {"n", 1}, {"m", 2}});
}

TEST_CASE("layouts that no reply was unpacked by are not held", "[adopt]") {
  adopt_replies_scene s{whole, "    on: [{reply: tick, do: [{sleep: 1m}]}]\n"};
  std::vector<std::weak_ptr<const protocol::protocol>> all;
  for (int i = 0; i < 20; ++i) {
    s.adopt(i % 2 == 0 ? halves : whole);
    all.push_back(s.play.session->settings().protocol);
    if (i == 10) s.tick(1);
    if (i == 10) s.tick(2);
  }
  const auto held = [&] {
    return std::ranges::count_if(all, [](const auto& each) { return !each.expired(); });
  };
  CHECK(held() == 2);  // what waits for the handler, and what counts now
  CHECK_FALSE(all.at(10).expired());
  s.play.run_for(3min);
  CHECK(held() == 1);
}
