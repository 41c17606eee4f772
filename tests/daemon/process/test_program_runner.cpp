#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "daemon/process/make_program_runner.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {

program_result run(program_request what) {
  std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
  asio::io_context loop{1};
  const auto runner = make_program_runner(loop.get_executor());
  program_result result;
  asio::co_spawn(loop, runner->run(std::move(what)),
                 [&](const std::exception_ptr& bug, program_result ended) {
                   if (bug) std::rethrow_exception(bug);
                   result = std::move(ended);
                 });
  loop.run();
  return result;
}

program_result shell(const std::string& command, program_request what = {}) {
  what.arguments = {"/bin/sh", "-c", command};
  return run(std::move(what));
}

std::string output_of(const program_result& result) {
  REQUIRE(std::holds_alternative<std::string>(result));
  return std::get<std::string>(result);
}

std::string failure(const program_result& result) {
  REQUIRE(std::holds_alternative<program_failure>(result));
  return std::get<program_failure>(result).why;
}

}  // namespace

TEST_CASE("a program reads its input and writes its output") {
  CHECK(output_of(run({.arguments = {"cat"}, .input = R"({"a":1})"})) == R"({"a":1})");
  const std::string large(900'000, 'x');
  CHECK(output_of(run({.arguments = {"cat"}, .input = large})) == large);
  CHECK(output_of(run({.arguments = {"true"}, .input = large})).empty());
}

TEST_CASE("why a program gave nothing") {
  CHECK(failure(run({.arguments = {"/no/such/program"}})) ==
        "it cannot be started: No such file or directory");
  CHECK(failure(shell("echo first >&2; echo 'no such key' >&2; exit 3")) == "exit code 3: no such key");
  CHECK(failure(shell("kill -9 $$")) == "killed by signal 9");
  CHECK(failure(shell("yes", {.largest_output = 1'000})) == "it wrote more than 1000 bytes");
  CHECK(failure(shell("sleep 60", {.timeout = 50ms})) == "it took longer than 0.05 s");
}

TEST_CASE("an output of exactly the limit is an output, one byte more is a fault") {
  const auto of = [](int size) {
    return shell("printf '%0" + std::to_string(size) + "d' 7", {.largest_output = 1'000});
  };
  CHECK(output_of(of(999)).size() == 999);
  CHECK(output_of(of(1'000)).size() == 1'000);
  CHECK(failure(of(1'001)) == "it wrote more than 1000 bytes");
  // Who has written as much as he may is listened to until the end, and not ended before it.
  CHECK(failure(shell("printf '%01000d' 7; sleep 0.1; printf x", {.largest_output = 1'000})) ==
        "it wrote more than 1000 bytes");
  CHECK(failure(shell("printf '%01000d' 7; exec >&-; sleep 0.1; exit 3", {.largest_output = 1'000})) ==
        "exit code 3");
  CHECK(output_of(shell("head -c 1048576 /dev/zero")).size() == std::size_t{1} << 20);
  CHECK(failure(shell("head -c 1048577 /dev/zero")) == "it wrote more than 1048576 bytes");
}

// The end of a program's complaints says most; all of them would be too much.
TEST_CASE("the last line of a program's complaints is told, up to 200 bytes") {
  CHECK(failure(shell("exit 4")) == "exit code 4");
  CHECK(failure(shell("printf 'one\\ntwo\\r\\n\\n' >&2; exit 4")) == "exit code 4: two");
  CHECK(failure(shell("printf 'one' >&2; exit 4")) == "exit code 4: one");
  CHECK(failure(shell("printf '\\n\\n' >&2; exit 4")) == "exit code 4");
  const auto told = [](int size) {
    return failure(shell("printf '%0" + std::to_string(size) + "d' 7 >&2; exit 4"));
  };
  CHECK(told(200) == "exit code 4: " + std::string(199, '0') + "7");
  CHECK(told(201) == "exit code 4: " + std::string(200, '0'));
  CHECK(failure(shell("printf '%09999d' 7 >&2; echo >&2; echo last >&2; exit 4")) == "exit code 4: last");
  CHECK(output_of(shell("echo nothing to worry about >&2; echo ok")) == "ok\n");
}

// It has come to its end when it has exited and nobody holds its output open any more.
TEST_CASE("a program is waited for until it has exited and its output has ended") {
  CHECK(failure(shell("exec >&-; sleep 0.1; exit 3")) == "exit code 3");
  CHECK(output_of(shell("(sleep 0.1; echo late) & echo early")) == "early\nlate\n");
}

TEST_CASE("a program that leaves its limit behind is killed with what it started") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure(shell("sleep 60 & sleep 60", {.timeout = 1'500ms})) == "it took longer than 1.5 s");
  CHECK(failure(shell("sleep 60 &", {.timeout = 100ms})) == "it took longer than 0.1 s");
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

// No signal for the group reaches it, and nothing may wait for it.
TEST_CASE("a program that has left its group is ended like any other") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure(run({.arguments = {"perl", "-e", "setpgrp(0, getpgrp(getppid())); sleep 60"},
                     .timeout = 300ms})) == "it took longer than 0.3 s");
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("a program that will not end when it is asked to is killed") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure(shell("trap '' TERM; while :; do sleep 60; done", {.timeout = 300ms})) ==
        "it took longer than 0.3 s");
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("a program may end by itself when it is asked to") {
  const std::string file = std::string(P_tmpdir) + "/duplexd-ended-" + std::to_string(::getpid());
  CHECK(failure(shell("trap 'echo yes >" + file + "; exit' TERM; while :; do sleep 0.01; done",
                      {.timeout = 300ms})) == "it took longer than 0.3 s");
  std::string said;
  std::ifstream(file) >> said;
  std::remove(file.c_str());
  CHECK(said == "yes");
}

// As with sudo: it belongs to root by now, and the daemon does not. To be seen by root alone.
TEST_CASE("a program that became another user's is left alone, and that is said") {
  if (::geteuid() != 0) return;
  asio::io_context loop{1};
  const auto runner = make_program_runner(loop.get_executor());
  program_result result;
  program_request what{.arguments = {"sleep", "8"}, .timeout = 100ms};
  asio::co_spawn(loop, runner->run(std::move(what)),
                 [&](const std::exception_ptr&, program_result ended) { result = std::move(ended); });
  loop.poll();  // it has been started
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(::setresuid(65534, 65534, 0) == 0);
  loop.run();
  REQUIRE(::setresuid(0, 0, 0) == 0);
  CHECK(failure(result) == "it took longer than 0.1 s, and cannot be killed: Operation not permitted");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);

  // When it ends at last, no other program need be started for its status to be taken.
  pid_t left = 0;
  std::ifstream("/proc/thread-self/children") >> left;
  REQUIRE(left > 0);
  runner->reap();
  REQUIRE(::kill(left, SIGKILL) == 0);
  siginfo_t ended{};
  REQUIRE(::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
  CHECK(ended.si_pid == left);
  runner->reap();
  CHECK(::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == -1);
}

// The daemon's own environment may hold secrets.
TEST_CASE("a program's environment is small, and what it is given is added") {
  ::setenv("DUPLEXD_TEST_SECRET", "hidden", 1);
  ::setenv("LC_TIME", "C", 1);
  const auto all =
      "\n" + output_of(run({.arguments = {"env"}, .environment = {{"TOKEN", "a=b"}, {"LC_TIME", "POSIX"}}}));
  ::unsetenv("DUPLEXD_TEST_SECRET");
  ::unsetenv("LC_TIME");
  INFO(all);
  CHECK(all.find("DUPLEXD_TEST_SECRET") == std::string::npos);
  CHECK(all.find("\nTOKEN=a=b\n") != std::string::npos);
  CHECK(all.find("\nLC_TIME=POSIX\n") != std::string::npos);
  CHECK(all.find("LC_TIME=C\n") == std::string::npos);
  CHECK(all.find("\nPATH=") != std::string::npos);
}

TEST_CASE("a cancelled program is asked to end, and has a second for it") {
  asio::io_context loop{1};
  const auto runner = make_program_runner(loop.get_executor());
  const std::string file = std::string(P_tmpdir) + "/duplexd-test-ask-" + std::to_string(::getpid());
  auto scene = [&]() -> asio::awaitable<void> {
    task_group<int> group{loop.get_executor()};
    auto child = [](program_runner& by, std::string path) -> asio::awaitable<int> {
      program_request what{.arguments = {"/bin/sh", "-c",
                                         "trap 'echo asked >>" + path + "; exit 0' TERM; echo ready >" +
                                             path + "; while :; do sleep 0.01; done"}};
      const program_result result = co_await by.run(std::move(what));
      co_return std::holds_alternative<program_failure>(result) ? 1 : 0;
    };
    group.spawn(0, child(*runner, file));
    asio::steady_timer timer{loop};
    std::string line;
    for (int i = 0; i < 3'000 && line != "ready"; ++i) {
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
      std::ifstream written(file);
      std::getline(written, line);
    }
    group.cancel_all();
    const auto ended = co_await group.next();
    CHECK(ended.how == 1);
    co_await group.join();
  };
  asio::co_spawn(loop, scene(), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
  loop.run();
  std::ifstream written(file);
  std::string first;
  std::string second;
  std::getline(written, first);
  std::getline(written, second);
  std::remove(file.c_str());
  CHECK(second == "asked");
}

// What the program started must not go on either.
TEST_CASE("a cancelled program is killed with its children") {
  asio::io_context loop{1};
  const auto runner = make_program_runner(loop.get_executor());
  const std::string file = std::string(P_tmpdir) + "/duplexd-test-" + std::to_string(::getpid());
  auto scene = [&]() -> asio::awaitable<void> {
    task_group<int> group{loop.get_executor()};
    auto child = [](program_runner& by, std::string path) -> asio::awaitable<int> {
      program_request what{.arguments = {"/bin/sh", "-c", "sleep 60 & echo $! > " + path + "; wait"}};
      const program_result result = co_await by.run(std::move(what));
      co_return std::holds_alternative<program_failure>(result) ? 1 : 0;
    };
    group.spawn(0, child(*runner, file));
    asio::steady_timer timer{loop};
    const auto has_line = [&] {
      std::ifstream written(file);
      std::string line;
      return std::getline(written, line) && !written.eof();
    };
    for (int i = 0; i < 3'000 && !has_line(); ++i) {
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
    group.cancel_all();
    const auto ended = co_await group.next();
    CHECK(ended.how == 1);
    co_await group.join();
  };
  asio::co_spawn(loop, scene(), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
  loop.run();
  int pid = 0;
  std::ifstream(file) >> pid;
  std::remove(file.c_str());
  REQUIRE(pid > 0);
  // A killed orphan is a zombie until init takes it: look at its state, not for its number. The kill takes
  // effect soon.
  const auto state_of = [&]() -> std::string {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string number;
    std::string name;
    std::string state = "gone";
    if (status >> number >> name) status >> state;
    return state;
  };
  std::string state = state_of();
  for (int i = 0; i < 3'000 && state != "gone" && state != "Z" && state != "X"; ++i) {
    std::this_thread::sleep_for(10ms);
    state = state_of();
  }
  CHECK((state == "gone" || state == "Z" || state == "X"));
}
