#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/net/connector.hpp"
#include "daemon/net/faults.hpp"
#include "daemon/net/resolver.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using addresses = std::vector<asio::ip::address>;

/// A name service that answers "slow" only when it is let go.
struct name_service {
  std::mutex guard;
  std::condition_variable news;
  bool open = false;
  int asked = 0;
  int answered = 0;

  resolve_result answer(const std::string& host) {
    std::unique_lock lock(guard);
    ++asked;
    if (host == "slow") news.wait(lock, [this] { return open; });
    ++answered;
    news.notify_all();
    return addresses{asio::ip::make_address("192.0.2.1")};
  }
  void let_go() {
    const std::lock_guard lock(guard);
    open = true;
    news.notify_all();
  }
  void await_answers(int count) {
    std::unique_lock lock(guard);
    news.wait(lock, [&] { return answered >= count; });
  }
};

lookup_function by(const std::shared_ptr<name_service>& service) {
  return [service](const std::string& host) { return service->answer(host); };
}

}  // namespace

TEST_CASE("an address needs no look-up") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  resolver names(loop, by(service));
  const auto found = run(loop, names.resolve("::1", std::chrono::seconds(5)));
  CHECK(std::get<addresses>(found) == addresses{asio::ip::make_address("::1")});
  CHECK(service->asked == 0);
}

// The reason for a resolver of our own: a name server that hangs delays nobody but those who ask it.
TEST_CASE("a slow name holds nobody else up, and its late answer is dropped") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  {
    resolver names(loop, by(service));
    const auto late = run(loop, names.resolve("slow", std::chrono::milliseconds(20)));
    REQUIRE(std::holds_alternative<fault>(late));
    CHECK(std::get<fault>(late).cause == "the name 'slow' was not resolved within 20ms");
    const auto quick = run(loop, names.resolve("quick", std::chrono::seconds(5)));
    CHECK(std::holds_alternative<addresses>(quick));
  }
  service->let_go();  // the answer comes when the resolver is gone
  service->await_answers(2);
  loop.restart();
  loop.poll();
}

// Many sessions of one host that start at the same time ask once.
TEST_CASE("the same name is looked up once at a time") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  resolver names(loop, by(service));
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    asio::co_spawn(loop, names.resolve("slow", std::chrono::seconds(5)),
                   [&](std::exception_ptr, const resolve_result& found) {
                     if (std::holds_alternative<addresses>(found)) ++answers;
                   });
  }
  loop.poll();
  service->let_go();
  while (answers < 10 && loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  CHECK(answers == 10);
  CHECK(service->asked == 1);
}

// The number of threads is bounded; who waits for one is served when one becomes free.
TEST_CASE("look-ups over the cap wait their turn") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  resolver names(loop, by(service), 1);
  int slow = 0;
  int quick = 0;
  asio::co_spawn(loop, names.resolve("slow", std::chrono::seconds(5)),
                 [&](std::exception_ptr, const resolve_result&) { ++slow; });
  asio::co_spawn(loop, names.resolve("quick", std::chrono::seconds(5)),
                 [&](std::exception_ptr, const resolve_result&) { ++quick; });
  loop.run_for(std::chrono::milliseconds(20));
  CHECK(quick == 0);
  service->let_go();
  loop.restart();
  while (slow + quick < 2 && loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  CHECK(slow + quick == 2);
}

// A thread for each look-up would cost more than the look-up itself.
TEST_CASE("a thread that has nothing to do is used again") {
  asio::io_context loop{1};
  const auto seen = std::make_shared<std::set<std::thread::id>>();
  const auto note = [seen](const std::string&) -> resolve_result {
    seen->insert(std::this_thread::get_id());
    return addresses{asio::ip::make_address("192.0.2.1")};
  };
  resolver names(loop, note);
  for (int i = 0; i < 5; ++i) {
    const auto found = run(loop, names.resolve("quick", std::chrono::seconds(5)));
    CHECK(std::holds_alternative<addresses>(found));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the thread goes back to waiting
  }
  CHECK(seen->size() == 1);
}

// RFC 8305, section 4: families take turns, beginning with the one that the system prefers.
TEST_CASE("address families take turns") {
  const auto v4 = [](const char* text) { return asio::ip::make_address(text); };
  const addresses mixed = interleave({v4("::1"), v4("::2"), v4("::3"), v4("1.1.1.1")});
  CHECK(mixed == addresses{v4("::1"), v4("1.1.1.1"), v4("::2"), v4("::3")});
  CHECK(interleave({v4("1.1.1.1")}) == addresses{v4("1.1.1.1")});
}
