// The control interface's streams of events.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "daemon/control/control_server.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

using net::refuse;
using net::served_answer;

/// What a follower has not taken: beyond it events wait in its own queue, and are dropped there.
constexpr std::size_t most_unsent = std::size_t{256} << 10;
/// A comment that often shows proxies and clients of server-sent events that the stream lives.
constexpr std::chrono::seconds stream_pause{15};

bool ask_for_events(const net::request_head& head) {
  return head.list("Accept").value_or("").find("text/event-stream") != std::string::npos;
}

}  // namespace

std::string control_server::text_in(const parameters& query, std::string_view name, std::string_view usual) {
  const auto given = query.find(name);
  return given == query.end() ? std::string(usual) : given->second;
}

served_answer control_server::follow(const question& asked) {
  following what;
  what.session = text_in(asked.query, "session", "");
  what.reply = text_in(asked.query, "reply", "");
  if (!what.session.empty() && find(what.session) == nullptr)
    return refuse(404, fmt::format("there is no session '{}'", protocol::printable(what.session, 80)));
  const auto sample = query_number(asked.query, "sample", 1, event_follower::largest_sample, 1);
  if (!sample)
    return refuse(400, fmt::format("'sample' is a number from 1 to {}", event_follower::largest_sample));
  what.sample = *sample;
  const bool as_events = ask_for_events(asked.request.head);
  if (as_events) what.how = event_follower::form::server_events;
  served_answer made;
  made.type = as_events ? "text/event-stream" : "application/x-ndjson";
  made.stream = [this, what = std::move(what)](net::answer_stream& to) { return write_events(to, what); };
  return made;
}

asio::awaitable<void> control_server::write_events(net::answer_stream& to, following what) {
  event_follower follower(loop_.get_executor(), what.how, std::move(what.reply), what.sample);
  // Of one session, even if it is removed, or of all, whichever there are.
  struct attachment {
    const session_list& to;
    std::vector<event_follower*>& all;
    event_follower& from;
    ~attachment() {
      for (const auto& each : to) each->detach(from);
      std::erase(all, &from);
    }
  };
  const std::shared_ptr<session> one = what.session.empty() ? nullptr : find(what.session);
  if (one == nullptr && !what.session.empty()) co_return;
  const session_list only{one};
  const attachment attached{one != nullptr ? only : sessions_, followers_, follower};
  if (one == nullptr) followers_.push_back(&follower);
  for (const auto& each : attached.to) each->attach(follower);
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto pause = time_.now() + stream_pause;
    if (to.unsent() > most_unsent)
      co_await to.wait_sent();
    else
      co_await follower.wait(time_, pause);
    if (to.unsent() <= most_unsent) {
      const std::string piece = follower.take();
      const bool is_alive = what.how == event_follower::form::server_events && piece.empty();
      to.write(is_alive ? ":\n\n" : piece);
    }
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
