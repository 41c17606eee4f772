// Messages of Protocol Buffers: values to bytes, and bytes to JSON text. See run.py.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "daemon/module/protobuf/proto_reader.hpp"
#include "protocol/message/protocol.hpp"
#include "tests/protocol/tree.hpp"

using namespace duplexd;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

constexpr int rounds = 5;
constexpr double shortest = 0.1;  // seconds of a round

double processor_time() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Nanoseconds of processor time that a call takes: the best of some rounds.
template <class Call>
double cost(const Call& call) {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const double begin = processor_time();
    double took = 0;
    unsigned calls = 0;
    for (unsigned batch = 1; took < shortest; batch *= 2) {
      for (unsigned i = 0; i < batch; ++i) call();
      calls += batch;
      took = processor_time() - begin;
    }
    const double each = took / calls * 1e9;
    best = round == 0 ? each : std::min(best, each);
  }
  return best;
}

void fail(const std::string& why) {
  fmt::print(stderr, "protobuf_bench: {}\n", why);
  std::exit(1);
}

std::shared_ptr<const protocol::protocol> types_of(const std::string& message, const std::string& folder) {
  const protocol::node layout =
      map({{"protobuf", text("market.proto")}, {"message", text(message)}, {"int64", text("number")}});
  const protocol::node definition =
      map({{"json", text("compact")}, {"replies", list({map({{"layout", layout}, {"as", text(message)}})})}});
  protocol::diagnostics mistakes;
  auto types = protocol::protocol::compile(definition, "bench", mistakes);
  proto_reader reader;
  if (types) std::ignore = protocol::read_schemas(*types, &reader, folder, mistakes);
  for (const protocol::diagnostic& each : mistakes) fail(each.path + ": " + each.message);
  return types;
}

ordered_json measure(const std::string& message, const ordered_json& values, const std::string& folder) {
  const auto types = types_of(message, folder);
  const protocol::message_type* type = types->find(protocol::direction::reply, message);
  std::vector<std::uint8_t> bytes;
  if (const auto error = protocol::pack(*type, values, bytes)) fail(error->text());
  std::string json;
  const protocol::packet packet{type, {protocol::frame_kind::binary, bytes}, 0, {}};
  if (const auto error = write_json(packet, json)) fail(error->text());
  std::vector<std::uint8_t> packed;
  std::string written;
  return {{"bytes", bytes.size()},
          {"values", ordered_json::parse(json)},
          {"pack", cost([&] {
             packed.clear();
             if (protocol::pack(*type, values, packed)) fail("it does not pack any more");
           })},
          {"unpack", cost([&] {
             written.clear();
             if (write_json(packet, written)) fail("it does not unpack any more");
           })}};
}

}  // namespace

// usage: protobuf_bench FOLDER, with the values of each message as JSON on stdin
int main(int argc, char** argv) {
  if (argc != 2) fail("expected the folder of market.proto");
  std::string given;
  for (int next = std::getchar(); next != EOF; next = std::getchar()) given += static_cast<char>(next);
  ordered_json report;
  const ordered_json all = ordered_json::parse(given);
  for (const auto& [message, values] : all.items()) report[message] = measure(message, values, argv[1]);
  fmt::print("{}\n", report.dump());
}
