// The step of a flow that sends bytes from outside, piece by piece.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/link/byte_source.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/script/flow.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

using config::stream_step;

namespace {

std::string origin_of(const stream_step& step) {
  if (step.file) return step.file->display();
  return step.program.empty() ? "stdin" : step.program.front().display();
}

}  // namespace

std::unique_ptr<byte_source> flow::open_source(const stream_step& step, std::optional<fault>& failed) {
  byte_sources* const sources = shared_.context.sources;
  if (sources == nullptr) failed = mishap("stream: nothing is read here");
  if (failed) return nullptr;
  if (step.file) {
    auto path = step.file->resolve(this);
    if (path) return sources->file(std::move(path.value));
    failed = mishap(std::move(path.error));
    return nullptr;
  }
  if (step.program.empty()) return sources->standard_input();
  program_request request;
  for (const config::text_template& part : step.program) {
    auto text = part.resolve(this);
    if (!text) failed = mishap(std::move(text.error));
    if (failed) return nullptr;
    request.arguments.push_back(std::move(text.value));
  }
  return sources->program(std::move(request));
}

// The chunks are sent by a flow of their own, so that this one counts the replies since the first of them.
asio::awaitable<flow_result> flow::execute(const stream_step& step) {
  std::optional<fault> failed;
  const auto source = open_source(step, failed);
  if (failed) co_return flow_result{.failed = std::move(failed)};
  mark_.count_from_here(*shared_.replies);
  flow sender{*this};
  flow_result how = co_await sender.pump(step, *source);
  co_await source->close();
  co_return how;
}

// At most two chunks are in memory: the second only if the last one must be known as such. The time of each
// is counted from that of the one before, or from when it was sent if that was later: what is late is not
// caught up with.
asio::awaitable<flow_result> flow::pump(const stream_step& step, byte_source& from) {
  const bool looks_ahead = step.last && step.last->takes_chunk;
  const std::size_t size = step.chunk;
  std::vector<std::uint8_t> chunk;
  std::vector<std::uint8_t> ahead;
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;
  auto due = shared_.context.time.now();
  std::string error = co_await from.read(chunk, size);
  for (bool at_end = false; !at_end;) {
    at_end = chunk.size() < size;
    ahead.clear();
    if (!at_end && looks_ahead && error.empty()) error = co_await from.read(ahead, size);
    at_end = at_end || (looks_ahead && ahead.empty());
    bool stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    if (!error.empty())
      co_return flow_result{.failed = mishap(fmt::format("stream {}: {}", origin_of(step), error))};
    const bool is_last = at_end && looks_ahead;
    if (chunk.empty() && !is_last) break;
    co_await shared_.context.time.sleep_until(due);
    stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    flow_result sent = co_await send_chunk(is_last ? *step.last : step.each, step.field, chunk);
    if (sent.ends_flow()) co_return sent;
    ++chunks;
    bytes += chunk.size();
    if (step.every) {
      const auto interval = step.every->resolve(this);
      if (!interval) co_return flow_result{.failed = mishap(interval.error)};
      due = std::max(due + interval.value, shared_.context.time.now());
    }
    chunk.swap(ahead);
    if (!at_end && !looks_ahead) error = co_await from.read(chunk, size);
  }
  if (step.last && !looks_ahead) {
    flow_result sent = co_await send_chunk(*step.last, step.field, {});
    if (sent.ends_flow()) co_return sent;
  }
  co_return flow_result{.result = {{"chunks", chunks}, {"bytes", bytes}}};
}

asio::awaitable<flow_result> flow::send_chunk(const stream_step::carrier& by, const std::string& field,
                                              std::span<const std::uint8_t> chunk) {
  co_await await_turn(by.command);
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  auto values = by.with.resolve(this);
  if (!values && !by.with.has_secrets()) co_return flow_result{.failed = mishap(std::move(values.error))};
  if (!values)
    co_return flow_result{.failed =
                              fault{.kind = config::fault_class::secret, .cause = std::move(values.error)}};
  if (values.value.is_null()) values.value = nlohmann::ordered_json::object();
  if (by.takes_chunk) {
    std::string text;
    if (by.as == stream_step::form::hex)
      protocol::append_hex(text, chunk);
    else
      protocol::append_base64(text, chunk);
    values.value[field] = std::move(text);
  }
  const auto* type = shared_.settings.protocol->find(protocol::direction::command, by.command);
  packed_command packed;
  packed.kind = protocol::frame_of(*type);
  if (const auto error = protocol::pack(*type, values.value, packed.bytes)) {
    shared_.context.telemetry.record(shared_.settings.name,
                                     happening::command_refused{by.command, error->text()});
    co_return flow_result{.failed =
                              mishap(fmt::format("command {} not sent: {}", by.command, error->text()))};
  }
  const protocol::frame_view frame{packed.kind, packed.bytes, by.with.has_secrets()};
  co_return co_await put(frame, by.command);
}

}  // namespace duplexd
