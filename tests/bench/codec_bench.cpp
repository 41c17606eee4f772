// Unpacking to JSON text, unpacking to picked fields and packing, each beside hand-written C++ that does the
// same by memcpy and fmt. tests/bench/codec_bench.py does the same in Python.
#include <benchmark/benchmark.h>
#include <fmt/compile.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "protocol/codec/value_visitor.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/text/json_text.hpp"
#include "tests/protocol/tree.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

struct subject {
  std::shared_ptr<const protocol> types;
  const message_type* type = nullptr;
  std::vector<std::uint8_t> bytes;
  ordered_json values;
  std::vector<std::string> picked;
  std::string expected;
};

subject make(const node& definition, const ordered_json& values, std::vector<std::string> picked) {
  subject out;
  diagnostics mistakes;
  out.types = protocol::compile(definition, "bench", mistakes);
  for (const diagnostic& mistake : mistakes)
    std::fprintf(stderr, "%s: %s\n", mistake.path.c_str(), mistake.message.c_str());
  out.type = out.types->find(direction::reply, "r");
  out.values = values;
  if (const auto error = pack(*out.type, values, out.bytes))
    std::fprintf(stderr, "%s\n", error->text().c_str());
  out.picked = std::move(picked);
  if (write_json({out.type, {frame_kind::binary, out.bytes}, 0, {}}, out.expected)) std::abort();
  return out;
}

node reply_of(const node& layout, std::vector<std::pair<std::string, node>> more = {}) {
  more.emplace_back("replies", list({map({{"layout", layout}, {"as", text("r")}})}));
  return map(std::move(more));
}

const subject& code_reply() {
  static const subject made = make(reply_of(text("= code:i")), {{"code", -123456}}, {"code"});
  return made;
}

const subject& kite_tick() {
  static const subject made = [] {
    const node layout = list({text("> token:I last_price:I/100 last_quantity:I average_price:I/100 volume:I "
                                   "buy_quantity:I sell_quantity:I"),
                              text("> ohlc:ohlc last_trade_time:I oi:I oi_day_high:I oi_day_low:I "
                                   "exchange_timestamp:I buy:level[5] sell:level[5]")});
    ordered_json level = {{"quantity", 5617}, {"price", 392.95}, {"orders", 30}};
    ordered_json side = ordered_json::array({level, level, level, level, level});
    ordered_json values = {{"token", 884737},
                           {"last_price", 392.95},
                           {"last_quantity", 2},
                           {"average_price", 403.07},
                           {"volume", 22261032},
                           {"buy_quantity", 5617},
                           {"sell_quantity", 0},
                           {"ohlc", {{"open", 420}, {"high", 420.9}, {"low", 390.1}, {"close", 414.1}}},
                           {"last_trade_time", 1655375264},
                           {"oi", 0},
                           {"oi_day_high", 0},
                           {"oi_day_low", 0},
                           {"exchange_timestamp", 1655378328},
                           {"buy", side},
                           {"sell", side}};
    return make(
        reply_of(layout, {{"layouts", map({{"ohlc", text("> open:I/100 high:I/100 low:I/100 close:I/100")},
                                           {"level", text("> quantity:I price:I/100 orders:H 2x")}})}}),
        values, {"token", "last_price"});
  }();
  return made;
}

const subject& bilibili_packet() {
  static const subject made = make(
      reply_of(text("> _total:I=$size _header:H=16 ver:H op:I seq:I data:json"), {{"json", text("compact")}}),
      {{"ver", 0},
       {"op", 5},
       {"seq", 0},
       {"data",
        {{"cmd", "WATCHED_CHANGE"},
         {"data",
          {{"num", 22097}, {"text_small", "2.2\u4e07"}, {"text_large", "2.2\u4e07\u4eba\u770b\u8fc7"}}}}}},
      {"op"});
  return made;
}

template <class T>
T get(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
std::uint32_t big32(const std::uint8_t* from) {
  return __builtin_bswap32(get<std::uint32_t>(from));
}
std::uint16_t big16(const std::uint8_t* from) {
  return __builtin_bswap16(get<std::uint16_t>(from));
}

bool hand_code(const std::vector<std::uint8_t>& in, std::string& out) {
  if (in.size() != 4) return false;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"({{"code":{}}})"), get<std::int32_t>(in.data()));
  return true;
}

// Hundredths with as few decimals as they have.
struct price {
  std::uint32_t hundredths;
};
void put(fmt::memory_buffer& out, price p) {
  const fmt::format_int whole(p.hundredths / 100);
  out.append(whole.data(), whole.data() + whole.size());
  const std::uint32_t rest = p.hundredths % 100;
  if (rest == 0) return;
  out.push_back('.');
  out.push_back(static_cast<char>('0' + rest / 10));
  if (rest % 10 != 0) out.push_back(static_cast<char>('0' + rest % 10));
}
void put(fmt::memory_buffer& out, std::uint32_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.data() + digits.size());
}
template <std::size_t n, class T>
void member(fmt::memory_buffer& out, const char (&key)[n], T value) {
  out.append(key, key + n - 1);
  put(out, value);
}
void hand_levels(fmt::memory_buffer& out, const std::uint8_t* at) {
  for (int i = 0; i < 5; ++i, at += 12) {
    if (i > 0) out.push_back(',');
    member(out, R"({"quantity":)", big32(at));
    member(out, R"(,"price":)", price{big32(at + 4)});
    member(out, R"(,"orders":)", std::uint32_t{big16(at + 8)});
    out.push_back('}');
  }
}
bool hand_tick(const std::vector<std::uint8_t>& in, std::string& text) {
  if (in.size() != 184) return false;
  const std::uint8_t* p = in.data();
  fmt::memory_buffer out;
  member(out, R"({"token":)", big32(p));
  member(out, R"(,"last_price":)", price{big32(p + 4)});
  member(out, R"(,"last_quantity":)", big32(p + 8));
  member(out, R"(,"average_price":)", price{big32(p + 12)});
  member(out, R"(,"volume":)", big32(p + 16));
  member(out, R"(,"buy_quantity":)", big32(p + 20));
  member(out, R"(,"sell_quantity":)", big32(p + 24));
  member(out, R"(,"ohlc":{"open":)", price{big32(p + 28)});
  member(out, R"(,"high":)", price{big32(p + 32)});
  member(out, R"(,"low":)", price{big32(p + 36)});
  member(out, R"(,"close":)", price{big32(p + 40)});
  member(out, R"(},"last_trade_time":)", big32(p + 44));
  member(out, R"(,"oi":)", big32(p + 48));
  member(out, R"(,"oi_day_high":)", big32(p + 52));
  member(out, R"(,"oi_day_low":)", big32(p + 56));
  member(out, R"(,"exchange_timestamp":)", big32(p + 60));
  const std::string_view buy = R"(,"buy":[)";
  out.append(buy.data(), buy.data() + buy.size());
  hand_levels(out, p + 64);
  const std::string_view sell = R"(],"sell":[)";
  out.append(sell.data(), sell.data() + sell.size());
  hand_levels(out, p + 124);
  out.push_back(']');
  out.push_back('}');
  text.append(out.data(), out.size());
  return true;
}

// The JSON body is foreign: by hand too it must be checked before it goes into a line.
bool hand_bilibili(const std::vector<std::uint8_t>& in, std::string& out) {
  if (in.size() < 16 || big32(in.data()) != in.size() || big16(in.data() + 4) != 16) return false;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"({{"ver":{},"op":{},"seq":{},"data":)"),
                 big16(in.data() + 6), big32(in.data() + 8), big32(in.data() + 12));
  if (copy_json({reinterpret_cast<const char*>(in.data()) + 16, in.size() - 16}, out, 64)) return false;
  out += '}';
  return true;
}

using pack_function = void (*)(const ordered_json&, std::vector<std::uint8_t>&);

template <class T>
void append(std::vector<std::uint8_t>& out, T value) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), from, from + sizeof value);
}
void append32(std::vector<std::uint8_t>& out, const ordered_json& value) {
  append(out, __builtin_bswap32(value.get<std::uint32_t>()));
}
void append16(std::vector<std::uint8_t>& out, const ordered_json& value) {
  append(out, __builtin_bswap16(value.get<std::uint16_t>()));
}
void append_price(std::vector<std::uint8_t>& out, const ordered_json& value) {
  append(out, __builtin_bswap32(static_cast<std::uint32_t>(value.get<double>() * 100 + 0.5)));
}

void hand_pack_code(const ordered_json& in, std::vector<std::uint8_t>& out) {
  append(out, in["code"].get<std::int32_t>());
}

void hand_pack_tick(const ordered_json& in, std::vector<std::uint8_t>& out) {
  append32(out, in["token"]);
  append_price(out, in["last_price"]);
  append32(out, in["last_quantity"]);
  append_price(out, in["average_price"]);
  for (const char* key : {"volume", "buy_quantity", "sell_quantity"}) append32(out, in[key]);
  for (const char* key : {"open", "high", "low", "close"}) append_price(out, in["ohlc"][key]);
  for (const char* key : {"last_trade_time", "oi", "oi_day_high", "oi_day_low", "exchange_timestamp"})
    append32(out, in[key]);
  for (const char* side : {"buy", "sell"}) {
    for (const ordered_json& level : in[side]) {
      append32(out, level["quantity"]);
      append_price(out, level["price"]);
      append16(out, level["orders"]);
      append(out, std::uint16_t{0});
    }
  }
}

void hand_pack_bilibili(const ordered_json& in, std::vector<std::uint8_t>& out) {
  const std::string body = in["data"].dump();
  append(out, __builtin_bswap32(static_cast<std::uint32_t>(16 + body.size())));
  append(out, __builtin_bswap16(16));
  append16(out, in["ver"]);
  append32(out, in["op"]);
  append32(out, in["seq"]);
  out.insert(out.end(), body.begin(), body.end());
}

using pick_function = std::int64_t (*)(const std::vector<std::uint8_t>&);

std::int64_t hand_pick_code(const std::vector<std::uint8_t>& in) {
  return in.size() == 4 ? get<std::int32_t>(in.data()) : 0;
}
std::int64_t hand_pick_tick(const std::vector<std::uint8_t>& in) {
  return in.size() == 184 ? std::int64_t{big32(in.data())} + big32(in.data() + 4) : 0;
}
// The body is checked here too: what is picked comes out of a packet that is whole.
std::int64_t hand_pick_bilibili(const std::vector<std::uint8_t>& in) {
  std::string checked;
  if (in.size() < 16 || big32(in.data()) != in.size() || big16(in.data() + 4) != 16) return 0;
  if (copy_json({reinterpret_cast<const char*>(in.data()) + 16, in.size() - 16}, checked, 64)) return 0;
  return big32(in.data() + 8);
}

void unpack_text(benchmark::State& state, const subject& (*of)()) {
  const subject& s = of();
  const packet from{s.type, {frame_kind::binary, s.bytes}, 0, {}};
  std::string out;
  for (auto _ : state) {
    out.clear();
    if (write_json(from, out)) state.SkipWithError("does not unpack");
    benchmark::DoNotOptimize(out.data());
  }
}
void unpack_by_hand(benchmark::State& state, const subject& (*of)(),
                    bool (*hand)(const std::vector<std::uint8_t>&, std::string&)) {
  const subject& s = of();
  std::string out;
  for (auto _ : state) {
    out.clear();
    if (!hand(s.bytes, out)) state.SkipWithError("does not unpack");
    benchmark::DoNotOptimize(out.data());
  }
  if (out != s.expected) state.SkipWithError("the hand-written code gives another text");
}
void unpack_picked(benchmark::State& state, const subject& (*of)()) {
  const subject& s = of();
  const packet from{s.type, {frame_kind::binary, s.bytes}, 0, {}};
  for (auto _ : state) {
    pick_visitor visitor(s.picked);
    if (visit(from, visitor)) state.SkipWithError("does not unpack");
    benchmark::DoNotOptimize(visitor.values().data());
  }
}
void pick_by_hand(benchmark::State& state, const subject& (*of)(), pick_function hand) {
  const subject& s = of();
  for (auto _ : state) {
    std::int64_t picked = hand(s.bytes);
    if (picked == 0) state.SkipWithError("does not unpack");
    benchmark::DoNotOptimize(picked);
  }
}
void pack_by_hand(benchmark::State& state, const subject& (*of)(), pack_function hand) {
  const subject& s = of();
  std::vector<std::uint8_t> out;
  for (auto _ : state) {
    out.clear();
    hand(s.values, out);
    benchmark::DoNotOptimize(out.data());
  }
  if (out != s.bytes) state.SkipWithError("the hand-written code gives other bytes");
}
void pack_values(benchmark::State& state, const subject& (*of)()) {
  const subject& s = of();
  std::vector<std::uint8_t> out;
  for (auto _ : state) {
    out.clear();
    if (pack(*s.type, s.values, out)) state.SkipWithError("does not pack");
    benchmark::DoNotOptimize(out.data());
  }
}

BENCHMARK_CAPTURE(unpack_text, code, code_reply);
BENCHMARK_CAPTURE(unpack_by_hand, code, code_reply, hand_code);
BENCHMARK_CAPTURE(unpack_picked, code, code_reply);
BENCHMARK_CAPTURE(pick_by_hand, code, code_reply, hand_pick_code);
BENCHMARK_CAPTURE(pack_values, code, code_reply);
BENCHMARK_CAPTURE(pack_by_hand, code, code_reply, hand_pack_code);
BENCHMARK_CAPTURE(unpack_text, kite, kite_tick);
BENCHMARK_CAPTURE(unpack_by_hand, kite, kite_tick, hand_tick);
BENCHMARK_CAPTURE(unpack_picked, kite, kite_tick);
BENCHMARK_CAPTURE(pick_by_hand, kite, kite_tick, hand_pick_tick);
BENCHMARK_CAPTURE(pack_values, kite, kite_tick);
BENCHMARK_CAPTURE(pack_by_hand, kite, kite_tick, hand_pack_tick);
BENCHMARK_CAPTURE(unpack_text, bilibili, bilibili_packet);
BENCHMARK_CAPTURE(unpack_by_hand, bilibili, bilibili_packet, hand_bilibili);
BENCHMARK_CAPTURE(unpack_picked, bilibili, bilibili_packet);
BENCHMARK_CAPTURE(pick_by_hand, bilibili, bilibili_packet, hand_pick_bilibili);
BENCHMARK_CAPTURE(pack_values, bilibili, bilibili_packet);
BENCHMARK_CAPTURE(pack_by_hand, bilibili, bilibili_packet, hand_pack_bilibili);

}  // namespace

BENCHMARK_MAIN();
