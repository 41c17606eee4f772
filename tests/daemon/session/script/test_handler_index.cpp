// Which handlers a reply is offered to.
#include <fmt/format.h>

#include <deque>

#include "config/script/match.hpp"
#include "daemon/session/script/handler_index.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using nlohmann::ordered_json;

namespace {

/// Handlers of `got` with these conditions (YAML), and which of them a text of that reply reaches.
class handlers_of_got {
 public:
  explicit handlers_of_got(const std::vector<std::string>& conditions)
      : settings_(stage{talk_yaml(on(conditions))}.settings) {
    for (const config::handler& each : session().on)
      index_.add(boxes_.emplace_back(loop_.get_executor(), each, budget_));
  }

  std::vector<int> offered(const std::string& json) {
    const std::string whole = R"({"op":"got",)" + json.substr(1);
    offered_reply reply{next_++, packet_of(whole), {}, index_.looked_at(), session().protocol};
    index_.offer(reply);
    std::vector<int> to;
    int place = 0;
    for (mailbox& each : boxes_) {
      if (each.take() != nullptr) to.push_back(place);
      CHECK(each.take() == nullptr);  // once at most
      ++place;
    }
    return to;
  }

  std::vector<int> fitting(const std::string& json) const {
    std::vector<int> those;
    int place = 0;
    for (const config::handler& each : session().on) {
      if (config::matches(ordered_json::parse(json), each.where.unresolved())) those.push_back(place);
      ++place;
    }
    return those;
  }

 private:
  static std::string on(const std::vector<std::string>& conditions) {
    std::string yaml = "    script: [{set: {t: trade}}]\n    on:\n";
    for (const std::string& each : conditions)
      yaml += fmt::format("      - {{reply: got, where: {}, do: [{{send: pong}}]}}\n", each);
    return yaml;
  }
  [[nodiscard]] const config::session_settings& session() const { return settings_.sessions.at(0); }
  const protocol::packet& packet_of(const std::string& text) {
    packets_.begin(
        {protocol::frame_kind::text, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}});
    REQUIRE(packets_.next(packet_));
    return packet_;
  }

  asio::io_context loop_{1};
  config::settings settings_;
  std::shared_ptr<reply_budget> budget_ =
      std::make_shared<reply_budget>(loop_.get_executor(), std::uint64_t{1} << 20);
  std::deque<mailbox> boxes_;
  handler_index index_;
  std::uint64_t next_ = 1;
  protocol::packet packet_;
  protocol::packet_reader packets_{session().protocol, protocol::direction::reply};
};

}  // namespace

// However a value is spelled and wherever its name occurs besides: those that fit get the reply, the others
// not.
TEST_CASE("a reply is offered to just those handlers whose conditions it fits") {
  handlers_of_got handlers{{
      "{type: trade}",
      "{type: quote, id: 1}",
      "{id: 1}",
      "{a.type: trade}",
      "{list.0: trade}",
      "{list.1.type: trade}",
      "{type: trade}",
      "{type: \"d\\\"q\"}",
      "{type: {$any: [trade, quote]}}",
      "{type: ü}",
      "{'*': {$exists: true}}",
      "{'type:': trade}",
      "{type: ''}",
  }};
  const std::string json = GENERATE(
      as<std::string>{}, R"({"type":"trade"})", R"({ "type" :  "trade" , "id" : 1})",
      "{\"type\"\n:\t\"quote\",\r\n\"id\":1.0}", R"({"type":"quote","id":2})", R"({"type":"tr\u0061de"})",
      R"({"\u0074ype":"quote","id":1e0})", R"({"a":{"type":"trade"},"type":"none"})", R"({"a.type":"trade"})",
      R"({"list":["trade",{"type":"trade"}]})", R"({"list":{"0":"trade","1":{"type":"trade"}}})",
      R"({"x":"type","y":"trade","type":"trades"})", R"({"type":"d\"q"})", R"({"type":"ü"})",
      R"({"type":["trade"]})", R"({"type":"none","type":"trade"})", R"({"type:":"trade"})", R"({"type":""})",
      R"({"id":1})", R"({"x":"type"})",
      R"({"type":{"type":"trade"},"many":[{"type":"trade"},{"type":"trade"},{"type":"quote"}]})");
  INFO(json);
  CHECK(handlers.offered(json) == handlers.fitting(json));
}

TEST_CASE("conditions that depend on what steps saved are looked at by the handler") {
  handlers_of_got handlers{{"{type: '${var:t}'}", "{type: trade, x: '${var:t}'}", "{type: quote}"}};
  CHECK(handlers.offered(R"({"type":"other"})") == std::vector<int>{0, 1});
}
