// What PUT /api/v1/log takes, and how levels are shown.
#include "daemon/control/log_change.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using config::log_level;

namespace {

std::string mistake(std::string_view body) {
  std::string error;
  CHECK_FALSE(read_log_change(body, error));
  return error;
}

log_change good(std::string_view body) {
  std::string error;
  const auto made = read_log_change(body, error);
  CHECK(error.empty());
  REQUIRE(made.has_value());
  return made.value_or(log_change{});
}

}  // namespace

TEST_CASE("a level is of all sessions or of one", "[log_change]") {
  for (const auto& [level, word] : config::log_level_words) {
    const log_change all = good(nlohmann::json{{"level", word}}.dump());
    CHECK(all.level == level);
    CHECK(all.session.empty());
  }
  const log_change one = good(R"({"session": "feed", "level": "debug"})");
  CHECK(one.level == log_level::debug);
  CHECK(one.session == "feed");
}

TEST_CASE("null and default take a session's own level away", "[log_change]") {
  for (const char* level : {"null", "\"default\""}) {
    const log_change made = good(std::string(R"({"session": "feed", "level": )") + level + "}");
    CHECK_FALSE(made.level.has_value());
    CHECK(made.session == "feed");
  }
}

TEST_CASE("what is no level for anybody is refused, and why", "[log_change]") {
  const std::string shape = R"(expected {"level": "debug"} or {"level": "debug", "session": "NAME"})";
  for (const char* body : {"", "{", "[]", "\"debug\"", "{}", R"({"session": "feed"})"})
    CHECK(mistake(body) == shape);
  const std::string known =
      " is not a level (known: debug, info, warning, error; for a session also default)";
  CHECK(mistake(R"({"level": "loud"})") == "\"loud\"" + known);
  CHECK(mistake(R"({"level": 3, "session": "feed"})") == "3" + known);
  CHECK(mistake(R"({"level": null})") == "the level null is only allowed with 'session'");
  CHECK(mistake(R"({"level": "default"})") == "the level \"default\" is only allowed with 'session'");
  CHECK(mistake(R"({"level": "info", "session": ""})") ==
        "'session' is \"\", but must be the name of a session");
  CHECK(mistake(R"({"level": "info", "session": null})") ==
        "'session' is null, but must be the name of a session");
  CHECK(mistake(R"({"level": "info", "sesion": "feed"})") ==
        "unknown field 'sesion' (known: level, session)");
  CHECK(mistake(R"({"level": ")" + std::string(1000, 'x') + "\"}").size() < 200);
}

TEST_CASE("levels are shown with those of single sessions", "[log_change]") {
  log_levels levels{{}};
  CHECK(describe(levels).dump() == R"({"level":"info","sessions":{}})");
  levels.set("feed", log_level::debug);
  CHECK(describe(levels).dump() == R"({"level":"info","sessions":{"feed":"debug"}})");
}
