// A broker that the test plays, and an input that takes its messages.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/output/broker_input.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/daemon/output/scripted_streams.hpp"
#include "tests/daemon/support/stage.hpp"

namespace duplexd::test {

/// What the broker has, and what it heard; used from the input's thread, too.
struct scripted_broker {
  std::mutex lock;
  std::vector<broker_receiver::message> waiting;
  std::uint64_t lost = 0;
  std::string failed{};
  bool takes_answers = true;
  std::vector<std::string> answers{};
  std::size_t acknowledged = 0;
  std::vector<std::size_t> calls{};  ///< what each call acknowledged
  bool holds = false;                ///< messages that are not accepted stay here
  std::condition_variable changed{};
  bool is_woken = false;
  bool rests = false;  ///< the thread waits

  [[nodiscard]] bool has_news() const { return !waiting.empty() || lost > 0 || !failed.empty() || is_woken; }
};

class scripted_receiver final : public broker_receiver {
 public:
  explicit scripted_receiver(scripted_broker& with) : with_(with) {}
  [[nodiscard]] received receive() override {
    std::unique_lock hold{with_.lock};
    with_.rests = true;
    with_.changed.wait(hold, [this] { return with_.has_news(); });
    with_.rests = false;
    with_.is_woken = false;
    if (!with_.failed.empty()) return {.failed = with_.failed};
    return {.messages = std::exchange(with_.waiting, {}), .lost = std::exchange(with_.lost, 0)};
  }
  void wake() noexcept override {
    const std::lock_guard hold{with_.lock};
    with_.is_woken = true;
    with_.changed.notify_all();
  }
  bool acknowledge(const std::vector<bool>& accepted) override {
    const std::lock_guard hold{with_.lock};
    const auto count = static_cast<std::size_t>(std::ranges::count(accepted, true));
    with_.acknowledged += count;
    with_.calls.push_back(count);
    return with_.holds;
  }
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override {
    const std::lock_guard hold{with_.lock};
    if (!with_.takes_answers) return "it is gone";
    with_.answers.push_back(to + " " + correlation + " " + std::string(text));
    return "";
  }
  void stop() override {
    const std::lock_guard hold{with_.lock};
    with_.answers.emplace_back("stopped");
  }
  void rest() noexcept override {}

 private:
  scripted_broker& with_;
};

/// Its sessions are the test: what an input takes stands in `taken`, how it ended is told to `listeners`.
struct broker_scene {
  explicit broker_scene(std::string answers = "ends", std::string stream = "", std::string client_id = "") {
    config::output_settings settings{.name = "o", .type = config::output_type::mqtt};
    settings.client_id = std::move(client_id);
    settings.commands = {"orders", std::move(answers), std::move(stream)};
    input.emplace(
        context, settings, std::make_unique<scripted_receiver>(with),
        [this](std::string from, line_input::line message, command_listener told) -> asio::awaitable<void> {
          taken.push_back(from + " " + std::to_string(message.number) + " " +
                          (message.too_long ? "(too long)" : message.text) +
                          (message.id.empty() ? "" : " " + message.id));
          comes_again = message.comes_again;
          listeners.push_back(std::move(told));
          if (on_take) on_take();
          co_return;
        });
    tasks.spawn(0, run());
  }
  ~broker_scene() {
    asio::co_spawn(play.loop, input->finish(play.time.now()), asio::detached);
    settle();
    tasks.cancel_all();
    asio::co_spawn(play.loop, tasks.join(), asio::detached);
    settle();
  }
  asio::awaitable<int> run() {
    co_await input->run();
    co_return 0;
  }

  /// Until the loop and the thread are at rest.
  void settle() {
    for (bool rests = false; !rests;) {
      play.loop.restart();
      const bool idle = play.loop.poll() == 0;
      const std::lock_guard hold{with.lock};
      rests = idle && (!input->at_work() || (with.rests && !with.has_news()));
    }
  }
  void pass(std::chrono::milliseconds span) {
    settle();
    play.time.run_for(span);
    settle();
  }
  void come(const std::string& text, const std::string& to = "", const std::string& correlation = "") {
    const std::lock_guard hold{with.lock};
    with.waiting.push_back({.text = text, .answer_to = to, .correlation = correlation});
    with.changed.notify_all();
  }
  template <class T>
  T look(T scripted_broker::* at) {
    const std::lock_guard hold{with.lock};
    return with.*at;
  }
  template <class T>
  void set(T scripted_broker::* at, T value) {
    const std::lock_guard hold{with.lock};
    with.*at = std::move(value);
    with.changed.notify_all();
  }

  scripted_broker with;
  struct {
    asio::io_context loop{1};
    virtual_clock time{loop};
    recorded_telemetry log;
    secret_index secrets;
    scripted_http http;
  } play;
  scripted_streams streams;
  output_context context{.loop = play.loop.get_executor(),
                         .time = play.time,
                         .log = play.log,
                         .random = [] { return 0.5; },
                         .secrets = play.secrets,
                         .http = play.http,
                         .streams = streams};
  std::vector<std::string> taken;
  bool comes_again = false;  ///< the last one
  std::function<void()> on_take;
  std::vector<command_listener> listeners;
  std::optional<broker_input> input;
  task_group<int> tasks{play.loop.get_executor()};
};

}  // namespace duplexd::test
