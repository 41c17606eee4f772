// The step of a flow that puts an event into the session's stream.
#include <fmt/format.h>

#include "daemon/event/event_line.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/exchange/event_routes.hpp"
#include "daemon/session/script/flow.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

// Room is waited for first: one event more is in memory than the outputs want, as for a reply.
asio::awaitable<flow_result> flow::execute(const config::emit_step& step) {
  const auto data = step.data.resolve(this);
  if (!data) co_return flow_result{.failed = mishap(data.error)};
  std::string json;
  if (!protocol::append_json(json, data.value, protocol::json_style::compact))
    co_return flow_result{.failed = mishap(fmt::format("emit {}: a text is not UTF-8", step.reply))};
  const auto limit = shared_.settings.limits.message;
  if (json.size() > limit)
    co_return flow_result{.failed = mishap(fmt::format("emit {}: the data has {} bytes, allowed are {} "
                                                       "(limits.message)",
                                                       step.reply, json.size(), limit))};
  event_routes outputs{shared_.context.outputs};
  bool stopped = co_await cancelled();
  while (!stopped && !outputs.has_room()) {
    co_await outputs.wait_room();
    stopped = co_await cancelled();
  }
  if (stopped || !outputs.wants(step.reply)) co_return flow_result{};
  const std::string time = timestamp(wall());
  event_line line{shared_.settings.name};
  const std::string_view whole = line.reply(time, step.reply, json);
  outputs.emit({.what = session_event::kind::reply,
                .session = shared_.settings.name,
                .time = time,
                .name = step.reply,
                .line = whole,
                .data = line.data()});
  co_return flow_result{};
}

}  // namespace duplexd
