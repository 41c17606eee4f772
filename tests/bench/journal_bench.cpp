// What the journal costs: journal_bench [EVENTS]. Events of 100 bytes go through the journal into a durable
// file; printed are nanoseconds an event on the loop's thread, and events per second until all of them were
// in the file. In the directory where it is started, whose disk decides.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "config/value/path_pattern.hpp"
#include "daemon/journal/durable_output.hpp"
#include "daemon/output/file_writer.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"

namespace {

using namespace duplexd;

struct silent final : telemetry {
  void record(std::string_view /*session*/, const event& /*what*/) override {}
};

struct bench {
  asio::io_context loop{1};
  steady_clock time{loop.get_executor()};
  silent log;
  std::unique_ptr<journal> kept;
  std::unique_ptr<durable_output> out;
  std::unique_ptr<task_group<std::string>> tasks;
  std::uint64_t events = 0;
  std::chrono::nanoseconds appending{0};

  asio::awaitable<void> run() {
    const std::string line =
        R"({"v":1,"time":"2026-11-21T02:13:55.123456Z","session":"feed","event":"reply","reply":"t","data":{"n":1}})"
        "\n";
    const session_event happened{.what = session_event::kind::reply,
                                 .session = "feed",
                                 .time = "2026-11-21T02:13:55.123456Z",
                                 .name = "t",
                                 .line = line,
                                 .data = {},
                                 .frame = {}};
    constexpr std::uint64_t turn = 256;
    for (std::uint64_t sent = 0; sent < events; sent += turn) {
      if (!out->has_room()) co_await out->wait_room();
      const auto begun = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; i < turn; ++i) out->append(happened, line);
      appending += std::chrono::steady_clock::now() - begun;
      co_await asio::post(loop, asio::deferred);
    }
    co_await out->wait_written();
    tasks->cancel_all();
    co_await tasks->join();
  }
};

}  // namespace

int main(int count, char** words) {
  bench made;
  made.events = count > 1 ? std::strtoull(words[1], nullptr, 10) : 2'000'000;
  journal_file::options how{.settings = {.file = "bench-journal.db"}, .outputs = {"f"}};
  for (const char* each : {"bench-journal.db", "bench-journal.db-wal", "bench.jsonl"})
    std::filesystem::remove(each);
  auto opened = journal_file::open(how, std::chrono::system_clock::now());
  if (opened.file == nullptr) {
    std::fprintf(stderr, "%s\n", opened.error.c_str());
    return 1;
  }
  const auto random = [] { return 0.5; };
  made.kept = std::make_unique<journal>(made.loop.get_executor(), made.time, made.log, random, how.settings,
                                        std::move(opened.file));
  std::string error;
  config::output_settings file{.name = "f", .path = "bench.jsonl", .durable = true};
  made.out = std::make_unique<durable_output>(
      made.loop.get_executor(), made.time, made.log, random, file,
      std::make_unique<file_writer>(file, *config::path_pattern::parse(file.path, error)), *made.kept);
  made.tasks = std::make_unique<task_group<std::string>>(made.loop.get_executor());
  made.tasks->spawn(0, made.kept->run());
  made.tasks->spawn(1, made.out->run());
  const auto begun = std::chrono::steady_clock::now();
  asio::co_spawn(made.loop, made.run(), asio::detached);
  made.loop.run();
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begun;
  const auto events = static_cast<double>(made.events);
  std::printf("%.0f events of 100 bytes: %.0f ns each on the loop's thread, %.2f million/s into the file\n",
              events, static_cast<double>(made.appending.count()) / events, events / all.count() / 1e6);
  return 0;
}
