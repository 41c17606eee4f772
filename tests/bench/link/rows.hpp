#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/link/connection.hpp"
#include "tests/bench/link/meter.hpp"

namespace bench {

/// What a client asked for with its URL: /ROW/COUNT/PROCESS. PROCESS is the client's own process id, by which
/// its CPU time is read.
struct request {
  std::string row;
  std::int64_t count = 0;
  int process = 0;
};

/// Serves one connection after its handshake, and prints what was measured as a line of JSON. The rows:
/// - receive, record, live, big, text: waits for a first data message, then sends COUNT messages and a close
/// frame
/// - send: takes COUNT messages `=ib`, then sends their count and sum as a text message and a close frame
/// - echo: sends COUNT messages back as they come and times the cycles, then sends a close frame
/// - handshake: sends a close frame at once; measures from a process's first to its COUNT-th connection
/// - idle: says when COUNT connections stand; then only pings are answered
/// `since_upgrade` began before the client could send its first message.
void serve(std::unique_ptr<connection> link, const request& wanted, const meter& since_upgrade);

/// True if there is such a row.
bool is_row(const std::string& name);

}  // namespace bench
