#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/tcp/happy_eyeballs.hpp"
#include "daemon/net/tcp/resolver.hpp"
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
    news.notify_all();
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
  void await_questions(int count) {
    std::unique_lock lock(guard);
    news.wait(lock, [&] { return asked >= count; });
  }
  int questions() {
    const std::lock_guard lock(guard);
    return asked;
  }
  void await_answers(int count) {
    std::unique_lock lock(guard);
    news.wait(lock, [&] { return answered >= count; });
  }
};

/// The address that was connected to, or why there is none.
asio::awaitable<std::string> connected_to(loop_executor loop, addresses to, std::uint16_t port) {
  auto result = co_await connect_any(loop, std::move(to), port, std::chrono::seconds(5));
  if (const auto* failed = std::get_if<fault>(&result)) co_return failed->cause;
  co_return std::get<tcp_socket>(result).remote_endpoint().address().to_string();
}

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
  run_ready(loop);
  service->await_questions(1);
  run_ready(loop);
  CHECK(quick == 0);
  CHECK(service->questions() == 1);
  service->let_go();
  loop.restart();
  while (slow + quick < 2 && loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  CHECK(slow + quick == 2);
}

// A thread for each look-up would cost more than the look-up itself. The thread counts as idle from the
// moment at which its answer can be seen, so there is nothing to wait for.
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

// Nobody waits for it any more: it must not take a thread from those who come after.
TEST_CASE("a name that was given up before its turn is not looked up") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  resolver names(loop, by(service), 1);
  bool slow = false;
  asio::co_spawn(loop, names.resolve("slow", std::chrono::seconds(5)),
                 [&](std::exception_ptr, const resolve_result&) { slow = true; });
  const auto late = run(loop, names.resolve("given up", std::chrono::milliseconds(20)));
  CHECK(std::holds_alternative<fault>(late));
  service->let_go();
  loop.restart();
  while (!slow && loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  const auto next = run(loop, names.resolve("next", std::chrono::seconds(5)));
  CHECK(std::holds_alternative<addresses>(next));
  CHECK(service->asked == 2);
  const auto again = run(loop, names.resolve("given up", std::chrono::seconds(5)));
  CHECK(std::holds_alternative<addresses>(again));
  CHECK(service->asked == 3);
}

// Names change: an answer serves those who wait for it and nobody later. That holds for failures, too.
TEST_CASE("an answer is not kept") {
  asio::io_context loop{1};
  int asked = 0;
  resolver names(
      loop,
      [&](const std::string& host) -> resolve_result {
        if (++asked == 1) return make_fault(config::fault_class::resolve, "no " + host);
        return addresses{asio::ip::make_address("192.0.2.1")};
      },
      1);
  const auto first = run(loop, names.resolve("name", std::chrono::seconds(5)));
  REQUIRE(std::holds_alternative<fault>(first));
  CHECK(std::get<fault>(first).cause == "no name");
  CHECK(std::holds_alternative<addresses>(run(loop, names.resolve("name", std::chrono::seconds(5)))));
  CHECK(asked == 2);
}

TEST_CASE("two look-ups run at a time if two threads are allowed") {
  asio::io_context loop{1};
  const auto service = std::make_shared<name_service>();
  resolver names(loop, by(service), 2);
  int slow = 0;
  asio::co_spawn(loop, names.resolve("slow", std::chrono::seconds(5)),
                 [&](std::exception_ptr, const resolve_result&) { ++slow; });
  const auto quick = run(loop, names.resolve("quick", std::chrono::seconds(5)));
  CHECK(std::holds_alternative<addresses>(quick));
  CHECK(slow == 0);
  service->let_go();
  loop.restart();
  while (slow == 0 && loop.run_one_for(std::chrono::seconds(5)) != 0) {
  }
  CHECK(slow == 1);
}

TEST_CASE("the system's look-up gives each address once, and says what is unknown") {
  const auto found = lookup_host("127.0.0.1");
  CHECK(std::get<addresses>(found) == addresses{asio::ip::make_address("127.0.0.1")});
  CHECK(std::get<addresses>(lookup_host("::1")) == addresses{asio::ip::make_address("::1")});
  const auto all = std::get<addresses>(lookup_host("localhost"));
  CHECK(std::set<asio::ip::address>(all.begin(), all.end()).size() == all.size());
  const auto failed = lookup_host("no-such-host.invalid");
  REQUIRE(std::holds_alternative<fault>(failed));
  CHECK(std::get<fault>(failed).kind == config::fault_class::resolve);
  CHECK(std::get<fault>(failed).cause.starts_with("the name 'no-such-host.invalid' "));
}

TEST_CASE("an endpoint is written as in a URL") {
  CHECK(endpoint_text({asio::ip::make_address("127.0.0.1"), 80}) == "127.0.0.1:80");
  CHECK(endpoint_text({asio::ip::make_address("::1"), 443}) == "[::1]:443");
}

TEST_CASE("families take turns in their own order, whichever is first and whatever their numbers") {
  const auto at = [](const char* text) { return asio::ip::make_address(text); };
  CHECK(interleave({}).empty());
  CHECK(interleave({at("1.1.1.1"), at("::1"), at("::2"), at("2.2.2.2"), at("3.3.3.3")}) ==
        addresses{at("1.1.1.1"), at("::1"), at("2.2.2.2"), at("::2"), at("3.3.3.3")});
  CHECK(interleave({at("1.1.1.1"), at("::1"), at("::2")}) == addresses{at("1.1.1.1"), at("::1"), at("::2")});
  CHECK(interleave({at("::1"), at("::2")}) == addresses{at("::1"), at("::2")});
}

// Happy Eyeballs (RFC 8305): an address that refuses costs nothing, and one that does not answer a quarter of
// a second.
TEST_CASE("the next address is tried when one fails or does not answer") {
  asio::io_context loop{1};
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> open(loop.get_executor(),
                                                                 {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = open.local_endpoint().port();
  const auto connect = [&](addresses to) {
    return run(loop, connected_to(loop.get_executor(), std::move(to), port));
  };
  const auto at = [](const char* text) { return asio::ip::make_address(text); };
  auto begin = std::chrono::steady_clock::now();
  CHECK(connect({at("127.0.0.2"), at("127.0.0.1")}) == "127.0.0.1");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
  const auto port_text = ":" + std::to_string(port);
  CHECK(connect({at("127.0.0.2")}) == "connection refused by 127.0.0.2" + port_text);
  CHECK(connect({at("127.0.0.2"), at("127.0.0.3")}) ==
        "connection refused by 127.0.0.2" + port_text + "; connection refused by 127.0.0.3" + port_text);

  // A full queue answers nobody.
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> deaf(loop.get_executor());
  deaf.open(asio::ip::tcp::v4());
  deaf.bind({at("127.0.0.2"), port});
  deaf.listen(0);
  std::vector<tcp_socket> waiting;
  for (int i = 0; i < 4; ++i) {
    auto& each = waiting.emplace_back(loop.get_executor());
    each.open(asio::ip::tcp::v4());
    each.native_non_blocking(true);
    const auto to = deaf.local_endpoint();
    ::connect(each.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
  }
  begin = std::chrono::steady_clock::now();
  CHECK(connect({at("127.0.0.2"), at("127.0.0.1")}) == "127.0.0.1");
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= std::chrono::milliseconds(240));
  CHECK(took < std::chrono::seconds(3));
}
