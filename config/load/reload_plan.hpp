#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// The part of a document that concerns the whole process and not single sessions, with the defaults of what
/// is left out. Keys that begin with `x-` are not part of it.
[[nodiscard]] nlohmann::ordered_json process_part(const protocol::node& document);

/// What a session is made from: its fields, defaults and templates filled in, in any order. `protocol`: the
/// definition that it names; null: it names none.
[[nodiscard]] session_digest digest_of(const protocol::node& session, const protocol::node* protocol);

/// Whether the connection stays when a session becomes the next one: they differ in live fields only, and
/// the replies that steps may wait for are still there.
[[nodiscard]] bool stays_connected(const session_digest& now, const session_digest& next);

/// Whether replies are unpacked otherwise.
[[nodiscard]] bool has_other_replies(const session_digest& now, const session_digest& next);

/// Of one value.
[[nodiscard]] std::size_t digest_of(const protocol::node& value);

/// What a reload compares: of what runs, or of a new file.
struct reload_state {
  nlohmann::ordered_json process = nlohmann::ordered_json::object();
  std::map<std::string, session_digest> sessions{};
  std::set<std::string> ended{};  ///< sessions that have ended: whatever has changed, they begin again
};
[[nodiscard]] reload_state state_of(const settings& loaded);

/// What a reload will do. A plain value.
struct reload_plan {
  std::vector<std::string> added{};      ///< sessions, by name
  std::vector<std::string> removed{};    ///< they are closed cleanly
  std::vector<std::string> reconnect{};  ///< they have changed
  std::vector<std::string> in_place{};   ///< they have changed, but keep their connections
  std::size_t unchanged = 0;             ///< sessions that notice nothing
  std::vector<std::string> live{};       ///< fields taken at once: "log.level", "sessions.a.liveness.fresh"
  std::vector<std::string> refused{};    ///< fields whose change needs a restart: then nothing is done

  [[nodiscard]] bool is_possible() const noexcept { return refused.empty(); }
};

/// Pure. What may change without a restart is a column of the field table.
[[nodiscard]] reload_plan plan_reload(const reload_state& now, const reload_state& next);

}  // namespace duplexd::config
