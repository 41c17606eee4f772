#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/runtime/work_line.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;

/// Calls on a line, and how they ended.
struct work_line_scene {
  asio::io_context loop{1};
  std::vector<std::optional<bool>> ended;
  std::vector<asio::cancellation_signal> giving_up = std::vector<asio::cancellation_signal>(4);
  std::optional<work_line> line{loop.get_executor()};

  void call(std::function<void()> work) {
    const std::size_t mine = ended.size();
    ended.emplace_back();
    asio::co_spawn(loop, line->run(std::move(work)),
                   asio::bind_cancellation_slot(giving_up.at(mine).slot(),
                                                [this, mine](const std::exception_ptr& bug, bool how) {
                                                  if (bug) std::rethrow_exception(bug);
                                                  ended[mine] = how;
                                                }));
  }
  void give_up(std::size_t which) { giving_up.at(which).emit(asio::cancellation_type::terminal); }
};

}  // namespace

TEST_CASE("work runs on another thread, one call after the other") {
  work_line_scene s;
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 3; ++i)
    s.call([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  s.loop.run();
  CHECK(order == std::vector{0, 1, 2});
  CHECK(s.ended == std::vector<std::optional<bool>>{true, true, true});
  CHECK(threads == std::vector(3, threads[0]));
  CHECK(threads[0] != std::this_thread::get_id());
}

TEST_CASE("work that is given up in the line does not run, and what runs is not waited for") {
  work_line_scene s;
  std::promise<void> begun;
  std::promise<void> end;
  std::vector<int> order;
  s.call([&] {
    begun.set_value();
    end.get_future().wait();
    order.push_back(0);
  });
  s.call([&] { order.push_back(1); });
  s.call([&] { order.push_back(2); });
  s.loop.poll();
  begun.get_future().wait();
  s.give_up(0);
  s.give_up(1);
  s.loop.restart();
  s.loop.poll();
  CHECK(s.ended == std::vector<std::optional<bool>>{false, false, std::nullopt});
  end.set_value();
  s.loop.restart();
  s.loop.run();
  CHECK(order == std::vector{0, 2});
  CHECK(s.ended[2] == true);
}

TEST_CASE("the end of a line waits for the work that runs, not for what is behind it") {
  work_line_scene s;
  std::promise<void> begun;
  bool done = false;
  bool reached = false;
  s.call([&] {
    begun.set_value();
    std::this_thread::yield();
    done = true;
  });
  s.call([&] { reached = true; });
  s.loop.poll();
  begun.get_future().wait();
  s.line.reset();
  CHECK(done);
  CHECK_FALSE(reached);
}
