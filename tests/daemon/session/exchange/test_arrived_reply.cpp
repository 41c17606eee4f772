// Replies that are kept: how many bytes of them, and when there is room for more.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/session/exchange/arrived_reply.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

TEST_CASE("one reply never fills a budget, two may", "[bounds]") {
  asio::io_context loop{1};
  reply_budget budget{loop.get_executor(), 100};
  budget.take(1'000);
  CHECK(budget.has_room());
  budget.give_back(1'000);
  budget.take(50);
  budget.take(49);
  CHECK(budget.has_room());
  budget.give_back(49);
  budget.take(50);
  CHECK_FALSE(budget.has_room());
  budget.give_back(50);
  CHECK(budget.has_room());
}

TEST_CASE("a charge takes room of a budget while it lives, and whoever waits for it is told") {
  asio::io_context loop{1};
  const auto budget = std::make_shared<reply_budget>(loop.get_executor(), 100);
  const reply_charge first{budget, 50};
  auto second = std::make_unique<reply_charge>(budget, 50);
  CHECK_FALSE(budget->has_room());
  bool has_room = false;
  asio::co_spawn(loop, budget->wait_room(), [&](const std::exception_ptr&) { has_room = true; });
  loop.poll();
  CHECK_FALSE(has_room);
  second.reset();
  CHECK(budget->has_room());
  loop.restart();
  loop.poll();
  CHECK(has_room);
}
