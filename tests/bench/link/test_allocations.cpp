#include <cstdlib>
#include <new>

#include "tests/bench/link/pipeline.hpp"
#include "tests/catch.hpp"

namespace {
std::size_t allocations = 0;
}

// NOLINTBEGIN(bugprone-*,readability-*): the signatures are the language's
void* operator new(std::size_t size) {
  ++allocations;
  if (void* made = std::malloc(size != 0 ? size : 1)) return made;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
// NOLINTEND(bugprone-*,readability-*)

namespace {

// How many allocations a thousand messages cost when the buffers have grown.
std::size_t allocations_of(const char* session, const std::vector<std::uint8_t>& message) {
  bench::pipeline line(session);
  const auto turn = [&] {
    for (int i = 0; i < 1000; ++i) line.receive(message);
    return line.take_output();
  };
  const std::size_t grown = turn();
  const std::size_t before = allocations;
  const std::size_t written = turn();
  const std::size_t spent = allocations - before;
  CHECK(written == grown);
  CHECK(written > 1000 * message.size());
  return spent;
}

}  // namespace

// The counter itself counts: without this the cases below would pass with a counter that does nothing.
TEST_CASE("the counter sees an allocation") {
  const std::size_t before = allocations;
  const std::vector<int> some(100, 1);
  CHECK(some.size() == 100);
  CHECK(allocations > before);
}

// A reply of the reference session becomes an event line in the output's buffer without a single allocation.
TEST_CASE("a reply becomes a line without allocating") {
  CHECK(allocations_of("reference", bench::reply_message()) == 0);
}

// So does a tick with an array, a switch, scaled prices, times and nested objects.
TEST_CASE("a market-data tick becomes a line without allocating") {
  CHECK(allocations_of("market", bench::tick_message()) == 0);
}
