#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "config/script/script.hpp"
#include "daemon/event/safe_keeping.hpp"
#include "daemon/session/exchange/arrived_reply.hpp"

namespace duplexd {

/// The replies that a handler has yet to look at. They take room of the link's budget.
class mailbox {
 public:
  mailbox(const asio::any_io_executor& loop, const config::handler& rule,
          std::shared_ptr<reply_budget> budget, const safe_keeping* safe = nullptr);

  [[nodiscard]] const config::handler& rule() const noexcept { return rule_; }

  /// The fields that `offer` looks at.
  [[nodiscard]] field_list looked_at() const;

  /// Whether the handler's conditions can be known only at its turn: they refer to what steps saved.
  [[nodiscard]] bool depends() const noexcept { return depends_; }

  /// Takes the reply if it fits the handler's conditions, as far as these are known.
  void offer(offered_reply& reply);

  /// Who is asked first whether it can handle a reply there and then.
  void on_offer(std::function<bool(const kept_reply&)> handles) { handles_ = std::move(handles); }

  /// Whether there is one whose time has come (config::handler_time). A journal tells by its notifier.
  [[nodiscard]] bool is_due() const noexcept;
  [[nodiscard]] bool is_held() const noexcept { return safe_ != nullptr && !waiting_.empty() && !is_due(); }

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

  /// Ends a `wait()`.
  void wake() { delivered_.notify(); }

  /// The next reply, no longer counted as waiting; null if there is none.
  kept_reply take();

  /// Suspends until there is one, or `wake()`. May be cancelled.
  asio::awaitable<bool> wait() { return delivered_.wait(); }

 private:
  const config::handler& rule_;
  bool depends_;
  std::shared_ptr<reply_budget> budget_;
  struct letter {
    kept_reply reply;
    std::uint64_t after = 0;  ///< the journal's number of its event
  };
  const safe_keeping* safe_;  ///< null: there is no journal
  std::function<bool(const kept_reply&)> handles_{};
  std::deque<letter> waiting_;
  notifier delivered_;
};

}  // namespace duplexd
