// The level of each event, apart from its words: what is not logged is not described.
#include <type_traits>

#include "daemon/event/describe.hpp"

namespace duplexd {

namespace {

using config::log_level;

template <class T, class... Of>
constexpr bool is_one_of = (std::is_same_v<T, Of> || ...);

struct level_finder {
  log_level operator()(const happening::attempt_failed& e) const noexcept {
    return e.next ? log_level::warning : log_level::error;
  }
  template <class T>
  log_level operator()(const T& /*what*/) const noexcept {
    using namespace happening;
    if constexpr (is_one_of<T, login_sent, script_finished>)
      return log_level::debug;
    else if constexpr (is_one_of<T, subprotocol_ignored, certificate_unverified, command_refused, undecodable,
                                 held_back, call_retried, command_invalid, heartbeat_missed, reply_overdue,
                                 sequence_broken, events_late, event_time_unusable, event_time_ahead,
                                 limit_reached, task_failed, commands_lost, events_dropped, journal_orphans,
                                 journal_full, descriptors_short>)
      return log_level::warning;
    else if constexpr (is_one_of<T, reload_refused, listen_failed, output_closed, output_failed,
                                 commands_failed, batch_refused, journal_replaced, journal_failed,
                                 journal_broken, cut_short>)
      return log_level::error;
    else
      return log_level::info;
  }
};

}  // namespace

config::log_level level_of(const event& what) noexcept {
  return std::visit(level_finder{}, what);
}

}  // namespace duplexd
