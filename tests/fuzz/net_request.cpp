#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/net/http/request_reader.hpp"

namespace {

using namespace duplexd::net;

constexpr request_limits limits{.head = 200, .body = 100};

void require(bool holds) {
  if (!holds) std::abort();
}

request_reader read(std::string_view bytes, std::size_t piece, std::size_t& taken) {
  request_reader reader(limits);
  taken = 0;
  while (taken < bytes.size() && !reader.done() && !reader.failure())
    taken += reader.feed(bytes.substr(taken, piece));
  return reader;
}

}  // namespace

/// However the bytes are cut, the request is the same, and within the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  std::size_t taken = 0;
  const auto whole = read(bytes, bytes.size(), taken);
  require(!whole.done() || !whole.failure());
  require(whole.body().size() <= limits.body);
  for (const std::size_t piece : {1, 2, 3, 7, 40}) {
    std::size_t taken_so = 0;
    const auto part = read(bytes, piece, taken_so);
    require(part.done() == whole.done());
    require(part.head().method == whole.head().method);
    require(part.head().target == whole.head().target);
    require(part.head().fields == whole.head().fields);
    require(part.body() == whole.body());
    if (whole.done()) require(taken == taken_so);
    require(part.failure().has_value() == whole.failure().has_value());
    if (whole.failure()) require(part.failure()->status == whole.failure()->status);
  }
  (void)whole.head().has_token("Connection", "close");
  return 0;
}
