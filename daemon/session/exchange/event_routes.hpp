#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/session/exchange/session_context.hpp"

namespace duplexd {

/// The ways of a session's events to its outputs: each gets those that its route selects, in the form that
/// it asks for.
class event_routes {
 public:
  /// `routes` outlive this.
  explicit event_routes(const std::vector<event_route>& routes) : routes_(routes) {}

  /// Whether some output may want events of that reply; an empty name stands for what has none.
  [[nodiscard]] bool wants(std::string_view reply) const noexcept;

  void emit(const session_event& happened);

  /// Whether all outputs have room.
  [[nodiscard]] bool has_room() const noexcept;

  /// Suspends until they had, one after the other. May be cancelled.
  asio::awaitable<void> wait_room();

 private:
  const std::vector<event_route>& routes_;
  std::string room_;
};

}  // namespace duplexd
