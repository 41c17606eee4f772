#pragma once

#include <deque>
#include <memory>

#include "config/script/script.hpp"
#include "daemon/session/exchange/arrived_reply.hpp"

namespace duplexd {

/// The replies that a handler has yet to look at. They take room of the link's budget.
class mailbox {
 public:
  mailbox(const asio::any_io_executor& loop, const config::handler& rule,
          std::shared_ptr<reply_budget> budget);

  [[nodiscard]] const config::handler& rule() const noexcept { return rule_; }

  /// The fields that `offer` looks at.
  [[nodiscard]] field_list looked_at() const;

  /// Whether the handler's conditions can be known only at its turn: they refer to what steps saved.
  [[nodiscard]] bool depends() const noexcept { return depends_; }

  /// Takes the reply if it fits the handler's conditions, as far as these are known.
  void offer(offered_reply& reply);

  /// The next reply, no longer counted as waiting; null if there is none.
  kept_reply take();

  /// Suspends until there is one. May be cancelled.
  asio::awaitable<bool> wait() { return delivered_.wait(); }

 private:
  const config::handler& rule_;
  bool depends_;
  std::shared_ptr<reply_budget> budget_;
  std::deque<kept_reply> waiting_;
  notifier delivered_;
};

}  // namespace duplexd
