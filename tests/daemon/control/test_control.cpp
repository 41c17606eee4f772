// What stands behind the control interface: its routes, what became of commands, and who follows events.
#include <set>

#include "daemon/control/api_routes.hpp"
#include "daemon/control/command_ledger.hpp"
#include "daemon/control/event_follower.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

using namespace duplexd;
using namespace duplexd::test;
using nlohmann::ordered_json;

namespace {

submission command_with(const std::string& id, command_state state, std::string data = "") {
  submission made;
  made.command = "buy";
  made.id = id;
  made.state = state;
  made.has_ended = state != command_state::queued;
  made.data = std::move(data);
  return made;
}

session_event reply_named(std::string_view name) {
  return {.what = session_event::kind::reply, .session = "s", .name = name};
}

}  // namespace

TEST_CASE("a request finds its route, and what stands in the path", "[api]") {
  const api_match found = match_api("GET", "/api/v1/sessions/a%20b/commands/x%2Fy");
  REQUIRE(found.route != nullptr);
  CHECK(found.route->what == api_operation::show_command);
  CHECK(found.parts.at("name") == "a b");
  CHECK(found.parts.at("id") == "x/y");
  CHECK(match_api("POST", "/api/v1/sessions/s/pause").route->what == api_operation::pause);
  CHECK(match_api("POST", "/api/v1/log").allow == "GET, PUT");
  CHECK(match_api("POST", "/api/v1/log").route == nullptr);
  for (const char* path : {"", "/", "api/v1/log", "/api/v1/log/", "/api/v1//log", "/api/v1/sessions/",
                           "/api/v1/sessions//pause", "/api/v2/sessions", "/api/v1/sessions/s/pause/now"}) {
    INFO(path);
    const api_match none = match_api("GET", path);
    CHECK(none.route == nullptr);
    CHECK(none.allow.empty());
  }
}

// Whoever may only view reads, and changes nothing.
TEST_CASE("what changes something needs the role operate", "[api]") {
  std::size_t changing = 0;
  for (const api_route& each : api_routes()) {
    INFO(each.id);
    CHECK((each.role == api_role::view) == (each.method == "GET"));
    const ordered_json document = openapi_document("1");
    std::string method(each.method);
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    const ordered_json& said = document["paths"][std::string(each.path)][method];
    CHECK(said["x-role"] == name_of(each.role));
    CHECK(said["responses"].contains("403") == (each.role == api_role::operate));
    if (each.role == api_role::operate) ++changing;
  }
  CHECK(changing == 8);
}

// One that is misspelt would be passed over, and something else done than was asked for.
TEST_CASE("unknown parameters and words are refused", "[api]") {
  const api_route& route = *match_api("POST", "/api/v1/sessions/s/commands").route;
  const auto read = [&](std::string_view query, std::string& error) {
    return read_query(route, query, error);
  };
  std::string error;
  CHECK(read("wait=none&timeout=5", error).at("timeout") == "5");
  CHECK(read("", error).empty());
  CHECK(read("timeout", error).at("timeout").empty());
  CHECK(read("timeout=%35%", error).at("timeout") == "5%");
  CHECK(error.empty());
  CHECK(read("wiat=none", error).empty());
  CHECK(error == "there is no parameter 'wiat'");
  CHECK(read("wait=nothing", error).empty());
  CHECK(error == "'nothing' is not a value of the parameter 'wait'");
}

TEST_CASE("the document describes each route once", "[api]") {
  const ordered_json document = openapi_document("1.2.3");
  std::set<std::string> ids;
  std::size_t count = 0;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items()) {
      ++count;
      ids.insert(operation["operationId"].get<std::string>());
    }
  CHECK(count == api_routes().size());
  CHECK(ids.size() == api_routes().size());
  // Each schema that is referred to is there.
  const std::string text = document.dump();
  const std::string begin = "#/components/schemas/";
  for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    const auto name = text.substr(at + begin.size(), text.find('"', at) - at - begin.size());
    INFO(name);
    CHECK(document["components"]["schemas"].contains(name));
  }
}

TEST_CASE("the ledger knows how commands ended, by session and id", "[ledger]") {
  command_ledger ledger;
  ledger.note("a", command_with("1", command_state::queued));
  CHECK_FALSE(ledger.find("a", "1")->has_ended);
  ledger.note("a", command_with("1", command_state::confirmed, R"({"n":1})"));
  REQUIRE(ledger.find("a", "1") != nullptr);
  CHECK(ledger.find("a", "1")->json ==
        R"({"session":"a","id":"1","command":"buy","state":"confirmed","ended":true,"data":{"n":1}})");
  CHECK(ledger.find("b", "1") == nullptr);
  ledger.note("a", command_with("", command_state::written));
  CHECK(ledger.size() == 1);
  const std::string large = '"' + std::string(command_ledger::largest - 2, 'x') + '"';
  ledger.note("a", command_with("2", command_state::confirmed, large));
  CHECK(ledger.find("a", "2")->json.find("data_omitted") == std::string::npos);
  ledger.note("a", command_with("3", command_state::confirmed, large + ' '));
  CHECK(ledger.find("a", "3")->json.ends_with("\"data_omitted\":true}"));
}

TEST_CASE("the ledger tells commands of one id apart by their source", "[ledger]") {
  command_ledger ledger;
  submission of_program = command_with("7", command_state::confirmed);
  of_program.source = "partner";
  ledger.note("a", of_program);
  CHECK(ledger.find("a", "7") == nullptr);
  REQUIRE(ledger.find_any("a", "7") != nullptr);
  CHECK(ledger.find_any("a", "7")->source == "partner");
  CHECK(ledger.find_any("a", "6") == nullptr);
  CHECK(ledger.find_any("b", "7") == nullptr);
  ledger.note("a", command_with("7", command_state::queued));
  REQUIRE(ledger.find("a", "7") != nullptr);
  CHECK_FALSE(ledger.find("a", "7")->has_ended);
  CHECK(ledger.find_any("a", "7") == ledger.find("a", "7"));
  CHECK(ledger.size() == 2);
}

TEST_CASE("the ledger forgets the oldest at its bounds", "[ledger][volume]") {
  command_ledger ledger;
  SECTION("of their number") {
    for (std::size_t i = 0; i < command_ledger::most_commands; ++i)
      ledger.note("s", command_with(std::to_string(i), command_state::written));
    CHECK(ledger.find("s", "0") != nullptr);
    ledger.note("s", command_with("one more", command_state::written));
    CHECK(ledger.find("s", "0") == nullptr);
    CHECK(ledger.find("s", "1") != nullptr);
    CHECK(ledger.size() == command_ledger::most_commands);
  }
  SECTION("of their bytes") {
    const std::string large = '"' + std::string(command_ledger::largest - 2, 'x') + '"';
    for (int i = 0; i < 1000; ++i) {
      ledger.note("s", command_with(std::to_string(i), command_state::confirmed, large));
      REQUIRE(ledger.bytes() <= command_ledger::most_bytes);
    }
    CHECK(ledger.find("s", "0") == nullptr);
    CHECK(ledger.find("s", "999") != nullptr);
    CHECK(ledger.bytes() > command_ledger::most_bytes / 2);
  }
}

TEST_CASE("a number of a query is in its range or refused", "[api]") {
  const auto read = [](const std::string& text) {
    return query_number({{"sample", text}}, "sample", 1, event_follower::largest_sample, 7);
  };
  CHECK(query_number({}, "sample", 1, 10, 7) == 7U);
  CHECK(read("1") == 1U);
  CHECK(read("1000000") == 1'000'000U);
  for (const char* wrong :
       {"", "0", "-1", "1.5", "ten", "10x", " 1", "1000001", "4294967297", "99999999999999999999"}) {
    INFO(wrong);
    CHECK_FALSE(read(wrong).has_value());
  }
}

// Only what passed the filter counts.
TEST_CASE("a follower may ask for a sample of the events", "[follower]") {
  asio::io_context loop{1};
  event_follower third{loop.get_executor(), event_follower::form::lines, "tick", 3};
  event_follower each{loop.get_executor(), event_follower::form::lines, "", 1};
  std::string wanted;
  for (int i = 1; i <= 10; ++i) {
    const std::string line = std::to_string(i) + "\n";
    third.append(reply_named("tock"), "other\n");
    third.append(reply_named("tick"), line);
    each.append(reply_named("tick"), line);
    wanted += line;
  }
  CHECK(third.take() == "3\n6\n9\n");
  CHECK(each.take() == wanted);
  third.append(reply_named("tick"), "11\n");
  CHECK(third.take().empty());
  third.append(reply_named("tick"), "12\n");
  CHECK(third.take() == "12\n");
}

// What is not in the sample was not dropped.
TEST_CASE("what is dropped is counted in events of the sample", "[follower]") {
  asio::io_context loop{1};
  event_follower second{loop.get_executor(), event_follower::form::lines, "", 2};
  const std::string line(event_follower::most_waiting, 'x');
  for (int i = 0; i < 8; ++i) second.append(reply_named("tick"), line);
  CHECK(second.take() == line + R"({"v":1,"event":"dropped","count":3})" + "\n");
}

TEST_CASE("a follower gets what it asked for", "[follower]") {
  asio::io_context loop{1};
  event_follower all{loop.get_executor(), event_follower::form::lines, ""};
  event_follower some{loop.get_executor(), event_follower::form::server_events, "tick"};
  for (event_follower* each : {&all, &some}) {
    each->append(reply_named("tick"), "1\n");
    each->append(reply_named("tock"), "2\n");
    each->append({.what = session_event::kind::note, .name = "tick"}, "3\n");
  }
  CHECK(all.take() == "1\n2\n3\n");
  CHECK(all.take().empty());
  CHECK(some.take() == "data: 1\n\n");
}

TEST_CASE("what a follower does not take is dropped, counted, and told in its place", "[follower]") {
  asio::io_context loop{1};
  event_follower slow{loop.get_executor(), event_follower::form::lines, ""};
  const std::string half(event_follower::most_waiting / 2, 'x');
  slow.append(reply_named("a"), half);
  slow.append(reply_named("a"), half);
  CHECK(slow.waiting() == event_follower::most_waiting);
  slow.append(reply_named("a"), "b");
  slow.append(reply_named("a"), "");  // the gap is one
  CHECK(slow.waiting() == event_follower::most_waiting);
  CHECK(slow.has_room());
  CHECK(slow.take() == half + half + "{\"v\":1,\"event\":\"dropped\",\"count\":2}\n");
  slow.append(reply_named("a"), "c\n");
  CHECK(slow.take() == "c\n");
}
