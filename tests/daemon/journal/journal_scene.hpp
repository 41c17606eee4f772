#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <mutex>
#include <thread>

#include "daemon/event/describe.hpp"
#include "daemon/journal/durable_output.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/daemon/journal/journal_place.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

namespace duplexd::test {

/// What a target was given, and what it answers; used from the output's thread.
struct shelf {
  std::mutex lock;
  lines written;
  std::string failed;               ///< why nothing is taken
  std::size_t at_most = 1'000'000;  ///< of a batch
  bool keeps_place = false;
  std::uint64_t place = 0;
  std::size_t calls = 0;
  bool forgets_to_say = false;  ///< it keeps what it takes and says that it has failed
};

class shelf_writer final : public event_writer {
 public:
  explicit shelf_writer(shelf& to) : to_(to) {}
  progress write(const record_batch& records) override {
    const std::lock_guard hold{to_.lock};
    ++to_.calls;
    if (!to_.failed.empty() && !to_.forgets_to_say) return {0, to_.failed};
    const std::size_t count = std::min(records.size(), to_.at_most);
    for (std::size_t i = 0; i < count; ++i) to_.written.emplace_back(records[i].text);
    if (count > 0) to_.place = records[count - 1].number;
    if (to_.forgets_to_say) return {0, to_.failed};
    return {count, count < records.size() ? "half" : ""};
  }
  target_place find_place(const std::string& /*journal*/) override {
    const std::lock_guard hold{to_.lock};
    return {.is_kept = to_.keeps_place, .number = to_.keeps_place ? to_.place : 0, .failed = {}};
  }

 private:
  shelf& to_;
};

/// Keeps log lines.
class told final : public telemetry {
 public:
  void record(std::string_view /*session*/, const event& what) override {
    lines.push_back(describe(what).message);
  }
  std::vector<std::string> lines;
};

/// A journal and one durable output, on a virtual clock; their threads are waited for.
struct journal_scene {
  explicit journal_scene(const journal_place& place, shelf& at, const std::string& name = "o")
      : kept(
            loop.get_executor(), time, log, [] { return 0.5; }, place.how.settings, place.open()),
        out(
            loop.get_executor(), time, log, [] { return 0.5; }, {.name = name, .durable = true},
            std::make_unique<shelf_writer>(at), kept) {}
  ~journal_scene() { end(); }
  journal_scene(const journal_scene&) = delete;
  journal_scene& operator=(const journal_scene&) = delete;

  void start() {
    tasks.spawn(0, kept.run());
    tasks.spawn(1, out.run());
  }
  /// Everybody is cancelled and awaited: the end in order.
  void end() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    settle();
  }
  void settle() {
    std::size_t done = 1;
    while (done != 0 || kept.at_work() || out.at_work()) {
      if (done == 0) std::this_thread::yield();
      loop.restart();
      done = loop.poll();
    }
  }
  void pass(std::chrono::milliseconds span) {
    settle();
    for (int part = 0; part < 16; ++part) {
      time.run_for(span / 16);
      settle();
    }
  }
  void add(const std::string& text) { out.append(reply_event(), text); }
  /// Whether the end would wait no longer; it is asked once.
  void ask_written() {
    asio::co_spawn(loop, out.wait_written(), [this](const std::exception_ptr&) { is_written = true; });
    settle();
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  told log;
  journal kept;
  durable_output out;
  bool is_written = false;
  task_group<std::string> tasks{loop.get_executor()};
};

}  // namespace duplexd::test
