#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "daemon/event/events.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/input/line_input.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/link/stream_dialer.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// What outputs get from outside. Everything here outlives them and is used on the loop's thread.
struct output_context {
  asio::any_io_executor loop;
  clock& time;
  telemetry& log;
  std::function<double()> random;  ///< in [0, 1)
  secret_index& secrets;
  http_client& http;
  stream_dialer& streams;
  /// Takes lines that are commands until their end; `from` is the output's name. May be cancelled.
  std::function<asio::awaitable<void>(std::string from, line_input& lines)> take_commands{};
};

}  // namespace duplexd
