#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/link/command_keeper.hpp"

namespace duplexd {

/// Where a command that was submitted while the daemon runs stands:
///     received → queued, or refused: of a durable command
///     queued → written → confirmed | timed_out | unknown
///     queued → expired | replaced | refused | unknown
/// Without a reply that confirms it, `written` is the end. Every command comes to exactly one end.
enum class command_state : std::uint8_t {
  received,   ///< a durable command that is not on the disk yet
  queued,     ///< waits for a link, for its turn, or for the kernel to take it
  written,    ///< the kernel has all of it
  confirmed,  ///< the reply that confirms it came
  timed_out,  ///< written, but that reply did not come in time
  unknown,    ///< the link ended before it was written or confirmed: the server may have seen it or not
  expired,    ///< waited in the queue for longer than its `ttl`: never sent
  replaced,   ///< a newer command took its place in the queue: never sent
  refused,    ///< never sent: unknown, does not fit its layout, no link, or no room
};

/// "queued", as logs and metrics say it.
[[nodiscard]] const char* name_of(command_state state) noexcept;

/// The same the other way round; `queued` if it is no name.
[[nodiscard]] command_state state_named(std::string_view name) noexcept;

/// Who submits a command.
struct command_origin {
  std::string id{};          ///< that it gives the command; empty: none
  std::string source{};      ///< see kept_command
  bool comes_again = false;  ///< it keeps what cannot be taken for now, and submits it again
};

/// One command on its way.
struct submission {
  std::string command{};
  std::string id{};            ///< that its submitter gave it; empty: none
  std::string source{};        ///< see command_origin
  bool comes_again = false;    ///< see command_origin
  bool is_given_back = false;  ///< `refused` for now: its submitter has it still, and nobody else is told
  std::uint64_t kept = 0;      ///< a durable command's number in the journal; 0: it has none
  command_state state = command_state::queued;
  std::string why{};       ///< of a refusal
  std::string reply{};     ///< what confirmed it: the reply's name,
  std::string data{};      ///< and its values as JSON, while `on_change` is called
  bool has_ended = false;  ///< no further change
  std::function<void(const submission&)> on_change{};  ///< called at each change; must not submit
};

/// What became of it as a map in JSON: session, id, command, state, ended, and why, reply, data if there are
/// any. Data of more than `most_data` bytes are left out: `"data_omitted": true`.
[[nodiscard]] std::string json_of(const std::string& session, const submission& what, std::size_t most_data);

/// A durable command that has ended, as its submitter was told.
[[nodiscard]] submission submission_of(const kept_command& ended);

}  // namespace duplexd
