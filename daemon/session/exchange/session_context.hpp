#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/event/safe_keeping.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/link/byte_source.hpp"
#include "daemon/link/command_keeper.hpp"
#include "daemon/link/cookie_jar.hpp"
#include "daemon/link/dial_limiter.hpp"
#include "daemon/link/dialer.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/link/program_runner.hpp"
#include "daemon/runtime/background_work.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/turn_lane.hpp"
#include "daemon/session/exchange/session_counters.hpp"

namespace duplexd {

/// Where a session's events go. Both outlive the session.
struct event_route {
  output* to = nullptr;
  const config::output_route* rule = nullptr;  ///< null: everything, as JSON lines
};

/// What a session gets from outside. Everything here outlives it and is used on the loop's thread.
struct session_context {
  asio::any_io_executor loop;
  dialer& links;
  http_client& http;
  program_runner& programs;
  clock& time;
  duplexd::telemetry& telemetry;
  std::function<double()> random;  ///< in [0, 1)
  std::vector<event_route> outputs;
  bool once = false;                         ///< one link, then the end
  std::shared_ptr<secret_holder> secrets{};  ///< what keeps this session's; null: nobody
  std::shared_ptr<cookie_jar> cookies{};     ///< this session's; it makes its own
  turn_lane* long_turns = nullptr;  ///< where sessions that have much to do are in line; null: nowhere
  std::shared_ptr<session_counters> counters =
      std::make_shared<session_counters>();  ///< this session's; it makes its own
  dial_limiter* limiter = nullptr;           ///< asked by each attempt before it begins; null: none
  command_keeper* keeper = nullptr;          ///< of durable commands; null: none is durable
  byte_sources* sources = nullptr;           ///< what `stream` steps read; null: nothing
  safe_keeping* safe = nullptr;              ///< the journal; null: there is none
  background_work* beside = nullptr;         ///< what `pbkdf2` steps calculate on; null: they fail
};

}  // namespace duplexd
