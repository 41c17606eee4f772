#include "tests/bench/link/traffic.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdlib>
#include <cstring>

#include "tests/bench/link/frames.hpp"

namespace bench {

namespace {

constexpr std::size_t record_size = 16384;
constexpr int distinct_messages = 4096;

void append_message(traffic& to, std::uint8_t code, const std::string& payload, std::int64_t value) {
  const bool alone = to.how != packing::full_records;
  const std::size_t frame_size = payload.size() + (payload.size() < 126     ? 2
                                                   : payload.size() < 65536 ? 4
                                                                            : 10);
  if (to.cycle.empty() || alone || to.cycle.back().bytes.size() + frame_size > record_size)
    to.cycle.emplace_back();
  burst& last = to.cycle.back();
  append_header(last.bytes, code, payload.size());
  last.bytes += payload;
  const std::int64_t before = last.messages.empty() ? 0 : last.messages.back().sum;
  last.messages.push_back({last.bytes.size(), before + value});
}

std::string trade(int i) {
  return fmt::format(
      R"({{"type":"trade","seq":{},"ts":{}.{:06},"symbol":"ABC-{:03}USD","side":"{}","price":{}.{:02},)"
      R"("size":0.{:06},"book":{{"bids":[[{}.1,0.{:04}],[{}.2,0.{:04}],[{}.3,1.{:04}]],)"
      R"("asks":[[{}.4,2.{:04}],[{}.5,0.{:04}],[{}.6,0.{:04}]]}},"venue":"test-exchange-{}",)"
      R"("flags":["taker","retail","ioc"],"account":{{"id":{},"tier":"gold","name":"user-{}"}},"note":"order {} of a long and quiet afternoon"}})",
      i, 1700000000 + i * 37, (i * 7919) % 1000000, i % 7, i % 2 != 0 ? "buy" : "sell", 30000 + i % 997,
      i % 100, (i * 1009) % 1000000, 30000 + i % 13, i % 10000, 30000 + i % 11, (i * 19) % 10000,
      30000 + i % 17, (i * 23) % 10000, 30001 + i % 13, (i * 29) % 10000, 30001 + i % 5, (i * 31) % 10000,
      30002 + i % 3, (i * 37) % 10000, i % 5, i * 977, i * 13, i * 101);
}

}  // namespace

traffic binary_traffic(std::size_t size, packing how) {
  traffic made{how, {}};
  const int count = size > 4096 ? 8 : distinct_messages;
  for (int i = 0; i < count; ++i) {
    std::string payload(size, 'x');
    if (size == 16) payload.replace(4, 12, R"({"v":1234.5})");
    const std::int32_t number = i;
    std::memcpy(payload.data(), &number, sizeof number);
    append_message(made, op_binary, payload, number);
  }
  return made;
}

traffic text_traffic() {
  traffic made;
  for (int i = 0; i < 512; ++i) {
    const std::string payload = trade(i);
    append_message(made, op_text, payload, static_cast<std::int64_t>(payload.size()));
  }
  return made;
}

traffic deflated(const traffic& plain) {
  constexpr std::uint8_t rsv1 = 0x40;
  constexpr std::size_t tail = 4;  // of the flush, which is not sent
  traffic made{plain.how, {}};
  for (burst from : plain.cycle) {
    auto* at = reinterpret_cast<std::uint8_t*>(from.bytes.data());
    auto* const end = at + from.bytes.size();
    while (const auto next = take_frame({at, end})) {
      at += next->size;
      z_stream stream{};
      if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        std::abort();
      std::string packed(next->payload.size() + 100, '\0');
      stream.next_in = next->payload.data();
      stream.avail_in = static_cast<uInt>(next->payload.size());
      stream.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_out = static_cast<uInt>(packed.size());
      ::deflate(&stream, Z_SYNC_FLUSH);
      packed.resize(stream.total_out - tail);
      deflateEnd(&stream);
      append_message(made, next->code | rsv1, packed, static_cast<std::int64_t>(next->payload.size()));
    }
  }
  return made;
}

}  // namespace bench
