#include "daemon/event/timestamp.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>

namespace duplexd {

std::string timestamp(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{floor<microseconds>(when - day)};
  std::array<char, 32> text{};
  const auto end = fmt::format_to(text.data(), FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z"),
                                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                  static_cast<unsigned>(date.day()), time.hours().count(),
                                  time.minutes().count(), time.seconds().count(), time.subseconds().count());
  return {text.data(), end};
}

}  // namespace duplexd
