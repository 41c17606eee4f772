// A fixed amount of work for callgrind to count: bench_instructions CASE COUNT, CASE is reply, tick or
// command. instructions.py runs it twice with different counts, so that start-up falls out.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/link/pipeline.hpp"

int main(int arguments, char** argument) {
  const std::string what = arguments == 3 ? argument[1] : "";
  if (what != "reply" && what != "tick" && what != "command") {
    std::fputs("usage: bench_instructions reply|tick|command COUNT\n", stderr);
    return 2;
  }
  const long count = std::atol(argument[2]);
  bench::pipeline line(what == "tick" ? "market" : "reference");
  const auto message = what == "tick" ? bench::tick_message() : bench::reply_message();
  std::size_t written = 0;
  for (long i = 0; i < count; ++i) {
    if (what == "command")
      line.send(static_cast<std::int32_t>(i & 0xffff));
    else
      line.receive(message);
    if (i % 100 == 99) written += line.take_output();
  }
  std::printf("%zu bytes\n", written);
  return 0;
}
