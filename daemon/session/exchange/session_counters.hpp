#pragma once

#include <cstdint>
#include <vector>

namespace duplexd {

/// What a session has counted since it began. Counting costs an addition; names are given when somebody asks.
struct session_counters {
  std::uint64_t attempts = 0;            ///< to connect, each URL for itself
  std::uint64_t connections = 0;         ///< that were established
  std::uint64_t logins = 0;              ///< after which commands were let through
  std::uint64_t faults = 0;              ///< attempts that failed, and connections that ended by a fault
  std::uint64_t undecodable = 0;         ///< packets that no layout fits
  std::uint64_t received = 0;            ///< bytes of packets
  std::uint64_t submitted = 0;           ///< commands from outside
  std::uint64_t unsuccessful = 0;        ///< of these, what came to another end than written or confirmed
  std::vector<std::uint64_t> replies{};  ///< by their order in the protocol
};

}  // namespace duplexd
