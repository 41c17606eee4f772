// What is logged: of all sessions, of those with a level of their own, and after a reload.
#include "daemon/event/log_levels.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using config::log_level;
using config::log_settings;
using config::session_levels;

namespace {

/// How many of the four levels are logged.
int logged(const log_levels& levels, std::string_view session) {
  int count = 0;
  for (const auto& [level, word] : config::log_level_words) {
    const bool is_wanted = levels.wants(session, level);
    // The more urgent is never left out while the less urgent is logged.
    CHECK((is_wanted || count == 0));
    count += is_wanted ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("each level lets through what is as urgent, of every session", "[levels]") {
  int count = 4;
  for (const auto& [level, word] : config::log_level_words) {
    INFO(word);
    const log_levels levels{{.level = level}};
    CHECK(logged(levels, "") == count);
    CHECK(logged(levels, "feed") == count);
    CHECK(config::log_level_named(word) == level);
    CHECK(config::name_of(level) == word);
    --count;
  }
  CHECK_FALSE(config::log_level_named("Debug"));
  CHECK_FALSE(config::log_level_named(""));
}

TEST_CASE("a session's own level may let through more or less", "[levels]") {
  log_levels levels{
      {.level = log_level::warning, .sessions = {{"loud", log_level::debug}, {"quiet", log_level::error}}}};
  CHECK(logged(levels, "loud") == 4);
  CHECK(logged(levels, "other") == 2);
  CHECK(logged(levels, "") == 2);
  CHECK(logged(levels, "quiet") == 1);
  levels.set(log_level::info);
  CHECK(logged(levels, "loud") == 4);
  CHECK(logged(levels, "other") == 3);
  CHECK(logged(levels, "quiet") == 1);
}

TEST_CASE("a level is set and taken away while duplexd runs", "[levels]") {
  log_levels levels{{.level = log_level::error}};
  levels.set("feed", log_level::info);
  CHECK(logged(levels, "feed") == 3);
  CHECK(logged(levels, "other") == 1);
  levels.set("feed", log_level::warning);
  CHECK(logged(levels, "feed") == 2);
  CHECK(levels.sessions() == session_levels{{"feed", log_level::warning}});
  levels.set("feed", std::nullopt);
  levels.set("other", std::nullopt);  // it had none
  CHECK(logged(levels, "feed") == 1);
  CHECK(levels.sessions().empty());
  levels.set(log_level::debug);
  CHECK(levels.level() == log_level::debug);
  CHECK(logged(levels, "feed") == 4);
}

// Who looks for a fault has raised a level, and changes something else in the file.
TEST_CASE("a reload takes what has changed in the file and keeps what was set meanwhile", "[levels]") {
  const log_settings before{
      .level = log_level::info,
      .sessions = {{"a", log_level::debug}, {"b", log_level::debug}, {"c", log_level::debug}}};
  log_levels levels{before};
  levels.set(log_level::warning);
  levels.set("a", log_level::error);
  levels.set("b", log_level::error);
  levels.set("c", log_level::error);
  levels.set("d", log_level::error);
  SECTION("nothing") {
    levels.reload(before, before);
    CHECK(levels.level() == log_level::warning);
    CHECK(levels.sessions().size() == 4);
    CHECK(logged(levels, "a") == 1);
  }
  SECTION("sessions") {
    levels.reload(before,
                  {.level = log_level::info,
                   .sessions = {{"a", log_level::debug}, {"b", log_level::info}, {"e", log_level::debug}}});
    CHECK(levels.level() == log_level::warning);
    CHECK(levels.sessions() == session_levels{{"a", log_level::error},
                                              {"b", log_level::info},
                                              {"d", log_level::error},
                                              {"e", log_level::debug}});
  }
  SECTION("the level of all") {
    levels.reload(before, {.level = log_level::debug, .sessions = before.sessions});
    CHECK(levels.level() == log_level::debug);
    CHECK(logged(levels, "a") == 1);
    CHECK(logged(levels, "other") == 4);
  }
}
