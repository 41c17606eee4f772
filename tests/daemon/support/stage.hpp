#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/session/session.hpp"
#include "tests/daemon/support/scripted_link.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

namespace duplexd::test {

/// Keeps log lines: "callcentre: connected".
class recorded_telemetry final : public telemetry {
 public:
  void record(std::string_view session, const event& what) override;
  std::vector<std::string> lines;
};

/// Keeps event lines. `full` holds producers back.
class recorded_output final : public output {
 public:
  explicit recorded_output(const asio::any_io_executor& loop) : changed(loop) {}
  void append(const session_event& /*happened*/, std::string_view record) override {
    lines.emplace_back(record);
    on_append();
  }
  [[nodiscard]] bool has_room() const noexcept override { return !full; }
  asio::awaitable<void> wait_room() override;
  asio::awaitable<std::string> run() override { co_return ""; }
  asio::awaitable<void> wait_written() override { co_return; }

  std::vector<std::string> lines;
  bool full = false;
  std::function<void()> on_append = [] {};
  notifier changed;
};

/// Answers HTTP requests at once, or never if there is no answer; keeps what was asked.
class scripted_http final : public http_client {
 public:
  asio::awaitable<http_result> fetch(http_request what) override {
    asked.push_back(std::move(what));
    if (!answer) {
      co_await until_cancelled();
      co_return fault{.cause = "cancelled"};
    }
    co_return answer(asked.back());
  }
  std::function<http_result(const http_request&)> answer;
  std::vector<http_request> asked;
};

/// Runs no program; answers with what the test says, or runs until it is killed.
class scripted_programs final : public program_runner {
 public:
  asio::awaitable<program_result> run(program_request what) override {
    asked.push_back(std::move(what));
    if (!answer) co_return co_await until_killed();
    co_return answer(asked.back());
  }
  std::function<program_result(const program_request&)> answer;
  std::vector<program_request> asked;

 private:
  static asio::awaitable<program_result> until_killed();
};

/// Gives bytes that the test prepared, under the name of the file, of the program, or "stdin".
class scripted_sources final : public byte_sources {
 public:
  struct prepared {
    std::string bytes{};
    std::string error{};  ///< at their end
    std::size_t given = 0;
    std::size_t most = std::string::npos;  ///< so many can be read; then a read waits until cancelled
    unsigned closed = 0;
  };
  std::unique_ptr<byte_source> file(std::string path) override {
    return open(path.substr(path.rfind('/') + 1));
  }
  std::unique_ptr<byte_source> program(program_request what) override;
  std::unique_ptr<byte_source> standard_input() override { return open("stdin"); }

  std::map<std::string, prepared> all;

 private:
  std::unique_ptr<byte_source> open(const std::string& name);
};

/// Calculates at once, or never.
struct immediate_work final : background_work {
  asio::awaitable<bool> run(std::function<void()> work) override;
  bool stuck = false;
};

/// One session of a configuration text on a scripted network and a virtual clock.
class stage {
 public:
  /// `yaml` is a whole configuration with one session. With `at_once` its dials go through a limiter with so
  /// many places. `safe` is its journal.
  explicit stage(const std::string& yaml, bool once = false, std::size_t at_once = 0,
                 safe_keeping* safe = nullptr);
  ~stage();
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  /// The next dial succeeds; returns the server at its other end.
  std::shared_ptr<scripted_server> accept();
  /// The next dial fails.
  void refuse(const fault& what);

  /// Starts the session at the first call; lets time pass.
  void run_for(clock::duration time);

  /// The same, but lets no time pass and stops after so many turns: for a session that never waits.
  void run_turns(unsigned count);

  [[nodiscard]] const std::vector<std::string>& log() const { return telemetry.lines; }

  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry telemetry;
  secret_index secrets;
  recorded_output out{loop.get_executor()};
  scripted_dialer links;
  scripted_http http;
  scripted_programs programs;
  scripted_sources sources;
  immediate_work beside;
  config::settings settings;
  double random = 1.0;
  std::unique_ptr<dial_limiter> limiter;
  std::shared_ptr<duplexd::session> session;
  std::optional<session_result> result;  ///< set once the session has ended

 private:
  void start();
  bool started_ = false;
};

/// The reference session: login, two commands, one expected reply.
extern const char* const reference_yaml;

}  // namespace duplexd::test
