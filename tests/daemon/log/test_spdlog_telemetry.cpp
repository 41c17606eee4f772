// What stands on stderr: as text, as JSON, for journald; and what does not.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

#include "daemon/log/spdlog_telemetry.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using config::log_format;
using config::log_level;
using lines = std::vector<std::string>;

namespace {

/// Stderr is a file of ours while it lives.
class captured_stderr {
 public:
  captured_stderr() : kept_(dup(STDERR_FILENO)), file_(std::tmpfile()) {
    std::fflush(stderr);
    dup2(fileno(file_), STDERR_FILENO);
  }
  ~captured_stderr() { restore(); }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;

  /// What journald says to whom it listens to.
  [[nodiscard]] std::string stream() const {
    struct stat status{};
    fstat(STDERR_FILENO, &status);
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }
  lines take() {
    restore();
    REQUIRE(std::fseek(file_, 0, SEEK_SET) == 0);
    lines all;
    std::string line;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
      if (c != '\n') {
        line += static_cast<char>(c);
        continue;
      }
      all.push_back(std::move(line));
      line.clear();
    }
    std::fclose(file_);
    return all;
  }

 private:
  void restore() {
    if (kept_ < 0) return;
    std::fflush(stderr);
    dup2(kept_, STDERR_FILENO);
    close(std::exchange(kept_, -1));
  }
  int kept_;
  std::FILE* file_;
};

struct occurrence {
  std::string session;
  event what;
};

lines logged(const config::log_settings& settings, const std::vector<occurrence>& all,
             const std::string& secret = "", bool journal = false) {
  captured_stderr out;
  if (journal)
    setenv("JOURNAL_STREAM", out.stream().c_str(), 1);
  else
    setenv("JOURNAL_STREAM", "1:1", 1);
  secret_index secrets;
  secret_holder holder{secrets};
  holder.take(secret, config::secret_origin::read);
  const auto telemetry = make_spdlog_telemetry(settings, secrets);
  for (const occurrence& each : all) telemetry->record(each.session, each.what);
  unsetenv("JOURNAL_STREAM");
  return out.take();
}

/// Without the time.
lines messages(const config::log_settings& settings, const std::vector<occurrence>& all) {
  lines made = logged(settings, all);
  for (std::string& line : made) line = line.substr(std::min<std::size_t>(24, line.size()));
  return made;
}

const occurrence debug{"s", happening::login_sent{}};
const occurrence info{"s", happening::connected{}};
const occurrence warning{"s", happening::undecodable{"why", 3}};
const occurrence error{"s", happening::attempt_failed{{.cause = "oh"}, {}}};

}  // namespace

TEST_CASE("a line of text has time, level, session and message") {
  const lines made = logged({}, {info});
  REQUIRE(made.size() == 1);
  CHECK(
      std::regex_match(made[0], std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info    s: connected)")));
}

TEST_CASE("each level lets through what is as urgent") {
  const auto [level, count] = GENERATE(table<log_level, std::size_t>(
      {{log_level::debug, 4}, {log_level::info, 3}, {log_level::warning, 2}, {log_level::error, 1}}));
  const lines all = {"debug   s: login sent", "info    s: connected",
                     "warning s: no layout fits a message of 3 bytes: why",
                     "error   s: lost: oh; giving up [F08]"};
  CHECK(messages({.level = level}, {debug, info, warning, error}) ==
        lines(all.end() - static_cast<long>(count), all.end()));
}

// A level holds for the next event, and a warning that is not logged is not counted as held back.
TEST_CASE("sessions may have levels of their own, which may change") {
  captured_stderr out;
  setenv("JOURNAL_STREAM", "1:1", 1);
  const secret_index secrets;
  const auto log =
      make_spdlog_telemetry({.level = log_level::warning, .sessions = {{"s", log_level::debug}}}, secrets);
  const auto record_all = [&] {
    for (const char* session : {"s", "t"}) log->record(session, happening::login_sent{});
  };
  record_all();
  log->levels().set("t", log_level::debug);
  log->levels().set("s", log_level::error);
  record_all();
  for (int i = 0; i < 20; ++i) log->record("s", happening::undecodable{"why", 3});
  log->levels().set("s", log_level::info);
  log->record("s", happening::link_closed{{1000, "bye"}, false});
  unsetenv("JOURNAL_STREAM");
  lines made = out.take();
  for (std::string& line : made) line = line.substr(std::min<std::size_t>(24, line.size()));
  CHECK(made == lines{"debug   s: login sent", "debug   t: login sent", "info    s: closed: 1000 bye"});
}

TEST_CASE("what concerns the whole daemon names no session, and control characters are shown") {
  CHECK(messages({}, {{"", happening::output_recovered{"o"}}, {"s", happening::link_renewed{"a\nb"}}}) ==
        lines{"info    output o works again", "info    s: reconnecting: a\\x0ab"});
}

TEST_CASE("journald gets the priority instead of the time") {
  CHECK(logged({.level = log_level::debug}, {debug, info, warning, error}, "", true) ==
        lines{"<7>s: login sent", "<6>s: connected", "<4>s: no layout fits a message of 3 bytes: why",
              "<3>s: lost: oh; giving up [F08]"});
}

TEST_CASE("a line of JSON has the same and the event's fields") {
  const bool journal = GENERATE(false, true);
  const lines made = logged({.format = log_format::json, .level = log_level::debug},
                            {debug, warning, error, {"", happening::output_recovered{"o"}}}, "", journal);
  REQUIRE(made.size() == 4);
  const auto at = [&](std::size_t index) {
    const std::string_view text = made[index];
    if (journal) CHECK(text.substr(0, 3) == std::vector{"<7>", "<4>", "<3>", "<6>"}[index]);
    auto line = nlohmann::json::parse(text.substr(journal ? 3 : 0));
    CHECK(line["time"].get<std::string>().size() == 27);
    line.erase("time");
    return line;
  };
  CHECK(at(0) ==
        nlohmann::json{
            {"level", "debug"}, {"event", "login_sent"}, {"message", "login sent"}, {"session", "s"}});
  CHECK(at(1) == nlohmann::json{{"level", "warning"},
                                {"event", "undecodable"},
                                {"message", "no layout fits a message of 3 bytes: why"},
                                {"session", "s"},
                                {"size", 3},
                                {"why", "why"}});
  CHECK(at(2)["level"] == "error");
  CHECK_FALSE(at(3).contains("session"));
}

TEST_CASE("secrets stand neither in the message nor in the fields") {
  const std::vector<occurrence> all{{"s", happening::link_renewed{"with sekret-token"}}};
  const lines text = logged({}, all, "sekret-token");
  REQUIRE(text.size() == 1);
  CHECK(text[0].ends_with("s: reconnecting: with ***"));
  const lines json = logged({.format = log_format::json}, all, "sekret-token");
  REQUIRE(json.size() == 1);
  CHECK(json[0].find("sekret") == std::string::npos);
  CHECK(nlohmann::json::parse(json[0])["why"] == "with ***");
}

// A server that sends nothing but nonsense must not fill the log, and nothing is left out in silence.
TEST_CASE("a flood of warnings is cut short, and counted when the link ends") {
  const event end = GENERATE(event{happening::link_closed{{1000, "bye"}, false}},
                             event{happening::attempt_failed{{.cause = "oh"}, {}}});
  std::vector<occurrence> all(20, warning);
  all.push_back({"t", happening::undecodable{"other", 1}});
  all.push_back({"s", end});
  const lines made = messages({}, all);
  REQUIRE(made.size() == 8);
  CHECK(std::count(made.begin(), made.end(), "warning s: no layout fits a message of 3 bytes: why") == 5);
  CHECK(made[5] == "warning t: no layout fits a message of 1 bytes: other");
  CHECK(made[6] == "warning s: 15 more warnings of this kind (undecodable) were not logged");
}

TEST_CASE("failed attempts are never held back") {
  const std::vector<occurrence> all(
      20, {"s", happening::attempt_failed{{.cause = "oh"}, std::chrono::seconds(1)}});
  CHECK(messages({}, all) == lines(20, "warning s: lost: oh; next attempt in 1.0 s [F08]"));
}
