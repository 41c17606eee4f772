// The steps of a flow that send and receive.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/script/flow.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

using config::fault_class;
using nlohmann::ordered_json;

namespace {

flow_result ended_by(fault what) {
  return {.failed = std::move(what)};
}

class counted_call {
 public:
  explicit counted_call(std::size_t& calls) : calls_(calls) { ++calls_; }
  ~counted_call() { --calls_; }
  counted_call(const counted_call&) = delete;
  counted_call& operator=(const counted_call&) = delete;

 private:
  std::size_t& calls_;
};

std::string shown(const ordered_json& value) {
  std::string text;
  if (!protocol::append_json(text, value, protocol::json_style::python)) text = "(text that is not UTF-8)";
  constexpr std::size_t longest = 200;
  if (text.size() > longest) text.resize(longest);
  return text;
}

}  // namespace

std::optional<fault> flow::pack(const config::send_step& command, packed_command& out, ordered_json& values) {
  auto resolved = command.with.resolve(this);
  if (!resolved && !command.with.has_secrets()) return mishap(std::move(resolved.error));
  if (!resolved) return fault{.kind = fault_class::secret, .cause = std::move(resolved.error)};
  const auto* type = shared_.settings.protocol->find(protocol::direction::command, command.command);
  if (type == nullptr) return mishap("the protocol has no command " + command.command);
  out.bytes.clear();
  out.kind = protocol::frame_of(*type);
  if (const auto error = protocol::pack(*type, resolved.value, out.bytes)) {
    shared_.context.telemetry.record(shared_.settings.name,
                                     happening::command_refused{command.command, error->text()});
    return mishap(fmt::format("command {} not sent: {}", command.command, error->text()));
  }
  values = std::move(resolved.value);
  return std::nullopt;
}

asio::awaitable<void> flow::await_turn(const std::string& command) {
  const auto turn = shared_.commands->take_turn(command);
  if (turn > shared_.context.time.now()) co_await shared_.context.time.sleep_until(turn);
}

asio::awaitable<flow_result> flow::put(protocol::frame_view message, std::string name, bool answer_awaited) {
  mark_.count_from_here(*shared_.replies);
  if (!shared_.commands->send(message, answer_awaited)) {
    const std::string why = "there is no link, or far too much is waiting to be sent";
    shared_.context.telemetry.record(shared_.settings.name, happening::command_refused{name, why});
    co_return ended_by(mishap(fmt::format("{} not sent: {}", name, why)));
  }
  // Messages of one turn leave together; only a link that takes no more holds the steps up.
  if (shared_.commands->congested()) co_await shared_.commands->wait_written();
  co_return flow_result{};
}

asio::awaitable<flow_result> flow::send(const config::send_step& command) {
  co_await await_turn(command.command);
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  if (command.packed) {
    const protocol::frame_view known{command.packed->kind, command.packed->bytes};
    co_return co_await put(known, command.command);
  }
  packed_command packed;
  ordered_json values;
  if (auto failed = pack(command, packed, values)) co_return ended_by(std::move(*failed));
  const protocol::frame_view frame{packed.kind, packed.bytes, command.with.has_secrets()};
  co_return co_await put(frame, command.command);
}

// Commands that need not wait for anything: their bytes are known, nothing limits how often they are sent,
// and the link takes more. Stops where the turn has had its share.
std::size_t flow::send_at_once(std::span<const config::script_step> steps) {
  if (steps.empty() || !steps.front().in_burst || shared_.commands->has_rates()) return 0;
  mark_.count_from_here(*shared_.replies);
  outbox& out = *shared_.commands;
  std::size_t sent = 0;
  const auto may_go_on = [&] {
    return sent < steps.size() && work_in_turn_ < work_a_turn && !out.congested();
  };
  while (may_go_on() && steps[sent].in_burst) {
    const config::burst& known = *steps[sent].in_burst;
    for (std::size_t at = steps[sent].burst_index; at < known.packets.size() && may_go_on(); ++at) {
      const bool last = at + 1 == known.packets.size();
      const bool awaited = last && sent + 1 < steps.size() &&
                           std::holds_alternative<config::expect_step>(steps[sent + 1].action);
      if (!out.send(known.message(at), awaited)) return sent;
      ++work_in_turn_;
      ++sent;
    }
  }
  return sent;
}

asio::awaitable<flow_result> flow::send_json(const config::json_template& message) {
  co_await await_turn("");
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  const auto value = message.resolve(this);
  if (!value && !message.has_secrets()) co_return ended_by(mishap(value.error));
  if (!value) co_return ended_by(fault{.kind = fault_class::secret, .cause = value.error});
  std::string text;
  if (!protocol::append_json(text, value.value, protocol::style_of(*shared_.settings.protocol)))
    co_return ended_by(mishap("a JSON message holds text that is not UTF-8"));
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  if (const char* why = add_framing(*shared_.settings.protocol, protocol::frame_kind::text, bytes))
    co_return ended_by(mishap(fmt::format("a JSON message: {}", why)));
  const protocol::frame_view frame{protocol::frame_kind::text, bytes, message.has_secrets()};
  co_return co_await put(frame, "a JSON message");
}

asio::awaitable<flow_result> flow::execute(const config::echo_step& /*step*/) {
  co_await await_turn("");
  const bool stopped = co_await cancelled();
  if (stopped || !message_) co_return flow_result{};
  protocol::frame_view frame = message_->message();
  std::vector<std::uint8_t> bytes(frame.bytes.begin(), frame.bytes.end());
  if (const char* why = add_framing(*shared_.settings.protocol, frame.kind, bytes))
    co_return ended_by(mishap(fmt::format("the echo: {}", why)));
  frame.bytes = bytes;
  co_return co_await put(frame, "the echo");
}

asio::awaitable<flow_result> flow::expect(const config::expectation& what,
                                          std::vector<std::pair<std::string, ordered_json>> equal) {
  wanted_reply wanted{what.replies, nullptr, std::move(equal), mark_.since()};
  auto where = what.where.resolve(this);
  if (!where) co_return ended_by(mishap(where.error));
  wanted.where = std::move(where.value);
  const auto begin = shared_.replies->patience().now();
  const auto time_left = [&]() -> clock::duration {
    if (what.timeout.count() == 0) return reply_inbox::for_ever;
    return what.timeout - (shared_.replies->patience().now() - begin);
  };
  flow_result how;
  if (what.count > 1) how.result = ordered_json::array();
  for (unsigned i = 0; i < what.count; ++i) {
    const kept_reply answer = co_await shared_.replies->take(wanted, time_left());
    const bool stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    if (!answer) {
      std::string cause = fmt::format("no reply {} within {} s", fmt::join(what.replies, " or "),
                                      static_cast<double>(what.timeout.count()) / 1000.0);
      if (const std::string why = shared_.replies->unfit(wanted); !why.empty()) cause += "; " + why;
      co_return ended_by(mishap(std::move(cause), fault_reason::no_reply));
    }
    ++shared_.progress.replies;
    reply_ = answer->values();
    if (!reply_) co_return ended_by(mishap(fmt::format("the reply {} is nested too deeply", answer->name())));
    const auto check = what.check.resolve(this);
    if (!check) co_return ended_by(mishap(check.error));
    if (!config::matches(*reply_, check.value))
      co_return ended_by(
          blamed(fmt::format("the reply {} is not as it must be: {}", answer->name(), shown(*reply_))));
    if (what.count > 1)
      how.result.push_back(*reply_);
    else
      how.result = *reply_;
  }
  co_return how;
}

// Each attempt has the whole time. The command is packed once: a repeated one is the same command.
asio::awaitable<flow_result> flow::execute(const config::call_step& step) {
  const auto limit = shared_.limits.calls;
  if (shared_.calls >= limit)
    co_return ended_by(mishap(fmt::format("call {}: {} calls wait for their reply already (limits.calls)",
                                          step.command.command, limit)));
  const counted_call counted{shared_.calls};
  packed_command packed;
  ordered_json values;
  if (auto failed = pack(step.command, packed, values)) co_return ended_by(std::move(*failed));
  std::vector<std::pair<std::string, ordered_json>> equal;
  for (const auto& [ours, theirs] : step.answer.correlate) {
    const ordered_json* value = config::find_path(values, ours);
    if (value == nullptr)
      co_return ended_by(
          mishap(fmt::format("call {}: 'with' has no {} to correlate with", step.command.command, ours)));
    equal.emplace_back(theirs, *value);
  }
  for (unsigned attempt = 0;; ++attempt) {
    co_await await_turn(step.command.command);
    const bool stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    const protocol::frame_view frame{packed.kind, packed.bytes, step.command.with.has_secrets()};
    flow_result sent = co_await put(frame, step.command.command, true);
    if (sent.ends_flow()) co_return sent;
    flow_result how = co_await expect(step.answer, equal);
    const bool no_reply = how.failed && how.failed->reason == fault_reason::no_reply;
    if (!no_reply || attempt == step.retries) co_return how;
    shared_.context.telemetry.record(shared_.settings.name,
                                     happening::call_retried{step.command.command, attempt + 1});
  }
}

}  // namespace duplexd
