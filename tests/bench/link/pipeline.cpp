#include "tests/bench/link/pipeline.hpp"

#include <algorithm>
#include <stdexcept>

#include "config/load/load.hpp"

namespace bench {

namespace {

using namespace duplexd;

config::session_settings load_session(const std::string& name) {
  protocol::diagnostics mistakes;
  const auto all = config::load(DUPLEXD_SOURCE_DIR "/tests/bench/link/pipeline.yaml", {}, mistakes);
  if (!all) throw std::runtime_error(config::format("pipeline.yaml", mistakes.front()));
  const auto found = std::ranges::find(all->sessions, name, &config::session_settings::name);
  return found != all->sessions.end() ? *found : throw std::runtime_error("no session " + name);
}

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

pipeline::pipeline(const std::string& session)
    : settings_(load_session(session)),
      packets_(settings_.protocol, protocol::direction::reply),
      line_(settings_.name),
      values_({{"opcode", 0}, {"state", 1}}),
      command_(settings_.protocol->find(protocol::direction::command, "to_free")) {}

void pipeline::receive(const std::vector<std::uint8_t>& message) {
  packets_.begin({protocol::frame_kind::binary, message});
  protocol::packet packet;
  while (packets_.next(packet)) {
    const protocol::codec_error* error = nullptr;
    output_.append(line_.compose("2026-11-21T02:11:55.123456Z", packet, &error));
    if (error != nullptr) throw std::runtime_error(error->text());
  }
}

void pipeline::send(std::int32_t opcode) {
  values_["opcode"] = opcode;
  if (const auto error = protocol::pack(*command_, values_, sent_)) throw std::runtime_error(error->text());
}

std::size_t pipeline::take_output() {
  const std::size_t size = output_.size() + sent_.size();
  output_.clear();
  sent_.clear();
  return size;
}

std::vector<std::uint8_t> reply_message() {
  return {2, 0, 0, 0};
}

std::vector<std::uint8_t> tick_message() {
  std::vector<std::uint8_t> message;
  append_big_endian(message, 1, 2);
  append_big_endian(message, 184, 2);
  append_big_endian(message, 408065, 4);  // its low byte is 1: prices are in hundredths
  for (std::uint32_t i = 0; i < 6; ++i) append_big_endian(message, 152345 + 7 * i, 4);
  for (std::uint32_t i = 0; i < 4; ++i) append_big_endian(message, 150000 + 111 * i, 4);
  for (std::uint32_t i = 0; i < 5; ++i) append_big_endian(message, 1'700'000'000 + i, 4);
  for (std::uint32_t level = 0; level < 10; ++level) {
    append_big_endian(message, 100 + level, 4);
    append_big_endian(message, 152300 + 5 * level, 4);
    append_big_endian(message, 3 + level, 2);
    append_big_endian(message, 0, 2);
  }
  return message;
}

}  // namespace bench
