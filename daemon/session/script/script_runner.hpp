#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/script/flow.hpp"
#include "daemon/session/script/handler_index.hpp"
#include "daemon/session/script/mailbox.hpp"
#include "daemon/session/script/task_registry.hpp"

namespace duplexd {

/// What is said on a fresh link: the login, then the subscriptions and the script, with the handlers, the
/// heartbeat, the renewal and the tasks beside them. One for each link. Its coroutines return early when
/// cancelled.
class script_runner {
 public:
  script_runner(const config::session_settings& settings, const session_context& context, variables& values,
                outbox& commands, reply_inbox& replies);

  /// Runs the login and, when entry is granted, everything else until a fault or a wish for a new link ends
  /// it; with `once`, until the script has ended and the linger has passed. Handlers run from the start: a
  /// server may ask something while it looks at the login. `granted` is called in between.
  asio::awaitable<flow_result> run(std::function<void()> granted);

  /// Whether there are steps of `close`, and the login was granted.
  [[nodiscard]] bool has_goodbye() const noexcept { return granted_ && !settings_.close.steps.empty(); }

  /// Carries these out, within their time. To be called when `run` has ended. A fault is told, and nothing
  /// more.
  asio::awaitable<void> say_goodbye();

  /// Handlers of other settings, which differ in nothing else that matters here, from the next reply on.
  /// Those that have not changed go on. Others come to the end of the replies that they have, and what
  /// replaces them begins when they have. To be called between two replies.
  void adopt_handlers(const std::shared_ptr<const config::session_settings>& next);

  /// Forgets the observers of all replies, and brings in those of handlers and confirmations again.
  void observe();

  void adopt_limits(const config::limit_settings& limits);

  /// Carries the subscriptions out again, soon.
  void resubscribe();

  /// Of the replies that handlers and their tasks hold.
  [[nodiscard]] reply_budget& budget() noexcept { return *shared_.budget; }

  [[nodiscard]] const flow_progress& progress() const noexcept { return shared_.progress; }

  /// Whether all steps of the script have been carried out.
  [[nodiscard]] bool finished() const noexcept { return finished_; }

 private:
  enum child {
    first_handler = -1,
    logging_in,
    rejection,
    main_script,
    heart,
    renewal,
    hours,
    subscriber,
    lingering
  };
  /// A handler and the replies that wait for it. Its number is negative, and lower than those of older ones.
  struct handling {
    handling(const asio::any_io_executor& loop, const config::handler& rule,
             std::shared_ptr<const config::session_settings> part_of, std::shared_ptr<reply_budget> budget,
             const safe_keeping* safe)
        : held(std::move(part_of)), box(loop, rule, std::move(budget), safe) {}
    std::shared_ptr<const config::session_settings> held;  ///< what the rule is part of
    mailbox box;
    bool retired = false;  ///< gets nothing more
  };

  asio::awaitable<flow_result> log_in();
  asio::awaitable<flow_result> send_login(const config::login_settings& login);
  asio::awaitable<flow_result> await_login_reply(const config::login_settings& login,
                                                 const config::expectation& what, clock::time_point deadline);
  asio::awaitable<flow_result> await_rejection(std::vector<std::string> names);
  asio::awaitable<flow_result> run_main();
  asio::awaitable<flow_result> run_handler(int id, handling& which);
  [[nodiscard]] int find_handler(const config::handler& rule, const std::set<int>& taken) const;
  int add_handler(const config::handler& rule, const std::shared_ptr<const config::session_settings>& of);
  [[nodiscard]] bool has_predecessor(int id) const;
  void remove_handler(int id);
  [[nodiscard]] bool only_sets(const config::handler& rule) const;
  [[nodiscard]] bool set_at_once(int id, const mailbox& box, const kept_reply& letter);
  asio::awaitable<flow_result> run_heartbeat(const config::heartbeat_settings& beat);
  asio::awaitable<flow_result> run_renewal();
  asio::awaitable<flow_result> watch_hours();
  asio::awaitable<flow_result> run_subscriber();
  asio::awaitable<flow_result> run_linger();
  void start_all();
  void observe_confirmations();
  void tell_of_kept(const task_registry::task& which, const flow_result& how) const;

  const config::session_settings& settings_;
  const session_context& context_;
  outbox& outbox_;
  reply_inbox& replies_;
  task_group<flow_result> group_;
  task_registry tasks_;
  flow_context shared_;
  flow login_flow_;
  std::map<int, handling, std::greater<>> boxes_;  ///< the oldest first
  int next_handler_ = first_handler;
  bool handles_ = false;  ///< `run()` looks after the handlers
  notifier handler_ended_;
  std::map<std::string, handler_index> handlers_;  ///< by the reply's name
  notifier asked_again_;
  bool subscriptions_asked_ = false;
  bool granted_ = false;
  bool finished_ = false;
};

}  // namespace duplexd
