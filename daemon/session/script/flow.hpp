#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/session/exchange/arrived_reply.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/exchange/variables.hpp"
#include "daemon/session/script/flow_result.hpp"
#include "daemon/session/script/task_registry.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// A packet that may be sent more than once.
struct packed_command {
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::vector<std::uint8_t> bytes;
};

/// Whether anything goes on: counts that only grow.
struct flow_progress {
  std::uint64_t steps = 0;    ///< carried out
  std::uint64_t replies = 0;  ///< taken, by steps and handlers
  friend bool operator==(const flow_progress&, const flow_progress&) = default;
};

/// What all flows of one link share. Before there is a link all after `values` is null, and the steps that
/// need it do not come: the configuration was checked.
struct flow_context {
  const config::session_settings& settings;
  const session_context& context;
  variables& values;
  outbox* commands = nullptr;
  reply_inbox* replies = nullptr;
  task_registry* tasks = nullptr;
  std::shared_ptr<reply_budget> budget{};  ///< of the replies that handlers and their tasks hold
  std::size_t calls = 0;                   ///< that wait for their reply
  std::uint64_t limited_steps = 0;         ///< that began so far
  flow_progress progress{};
  config::limit_settings limits = settings.limits;  ///< other than the settings' own after a reload
};

/// Steps carried out one after the other. Branches and tasks are flows of their own that start from a copy of
/// their parent's state: the last reply, and since when replies count. Coroutines return early when
/// cancelled. The context and the steps outlive it.
class flow final : public config::scope {
 public:
  explicit flow(flow_context& shared);
  flow(flow_context& shared, kept_reply message);  ///< of a handler that the message came for
  flow(const flow& parent);
  flow& operator=(const flow&) = delete;
  ~flow() override = default;

  /// What goes wrong is a fault of this class: `script` unless told otherwise. A login is rejected only by a
  /// reply that fails its `check`, and by `fail`: that no reply came, or that nothing could be sent, says
  /// nothing about the credentials.
  void blame(config::fault_class kind) noexcept { blame_ = kind; }

  /// What the steps are part of, if it may go before the context does: this flow and those that start from it
  /// hold it.
  void hold(std::shared_ptr<const void> what) { held_ = std::move(what); }

  /// What the steps see as the last reply.
  void take_over(std::shared_ptr<const nlohmann::ordered_json> reply) { reply_ = std::move(reply); }

  /// No reply before the next one counts, and none is kept for this flow until it sends something.
  void ask_for_nothing() { mark_.release(); }

  /// Carries out the steps in order, up to a fault or a wish for a new link.
  asio::awaitable<flow_result> run(std::span<const config::script_step> steps);

  /// Carries out steps that only set variables. False: it could not.
  [[nodiscard]] bool set_at_once(std::span<const config::script_step> steps);

  /// Sends one command, when its turn comes.
  asio::awaitable<flow_result> send(const config::send_step& command);
  asio::awaitable<flow_result> send_json(const config::json_template& message);

  /// Waits for replies; `equal` is what they must be correlated with.
  asio::awaitable<flow_result> expect(const config::expectation& what,
                                      std::vector<std::pair<std::string, nlohmann::ordered_json>> equal);

  // scope
  [[nodiscard]] const nlohmann::ordered_json* variable(std::string_view name) const override;
  [[nodiscard]] const nlohmann::ordered_json* reply() const override;
  [[nodiscard]] const nlohmann::ordered_json* caught() const override { return caught_.get(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override;
  [[nodiscard]] std::uint64_t count(std::string_view name) override;
  [[nodiscard]] std::uint64_t count_of_link(std::string_view name) override;
  [[nodiscard]] std::size_t json_depth() const noexcept override { return shared_.limits.json_depth; }
  [[nodiscard]] std::uint64_t largest_value() const noexcept override { return shared_.limits.variables; }
  void take_secret(std::string_view value, config::secret_origin from) override;

 private:
  /// Steps that never wait must leave turns for the others, the timers and the watchdog. A step may cost as
  /// much as some commands whose bytes are known.
  static constexpr unsigned work_a_turn = 1024;
  static constexpr unsigned work_of_step = 4;

  /// Sends the commands at the front that can go at once. Returns how many steps that were.
  std::size_t send_at_once(std::span<const config::script_step> steps);
  asio::awaitable<void> leave_turn();
  asio::awaitable<flow_result> perform(const config::script_step& step);
  asio::awaitable<flow_result> attempt(const config::script_step& step);
  asio::awaitable<void> clean_up(const config::step_list& steps, flow_result& how) const;
  static asio::awaitable<flow_result> shielded(std::shared_ptr<flow> self, const config::step_list& steps);
  asio::awaitable<flow_result> limited(const config::script_step& step,
                                       const config::duration_template& timeout);
  asio::awaitable<flow_result> dispatch(const config::script_step& step);
  asio::awaitable<flow_result> execute(const config::sleep_step& step);
  asio::awaitable<flow_result> execute(const config::send_step& step) { return send(step); }
  asio::awaitable<flow_result> execute(const config::json_step& step) { return send_json(step.message); }
  asio::awaitable<flow_result> execute(const config::echo_step& step);
  asio::awaitable<flow_result> execute(const config::expect_step& step) { return expect(step.what, {}); }
  asio::awaitable<flow_result> execute(const config::call_step& step);
  asio::awaitable<flow_result> execute(const config::every_step& step);
  asio::awaitable<flow_result> execute(const config::gather_step& step);
  asio::awaitable<flow_result> execute(const config::race_step& step);
  asio::awaitable<flow_result> execute(const config::wait_step& step);
  asio::awaitable<flow_result> execute(const config::spawn_step& step);
  asio::awaitable<flow_result> execute(const config::cancel_step& step);
  asio::awaitable<flow_result> execute(const config::set_step& step);
  asio::awaitable<flow_result> execute(const config::http_step& step);
  asio::awaitable<flow_result> execute(const config::exec_step& step);
  asio::awaitable<flow_result> execute(const config::pbkdf2_step& step);
  asio::awaitable<flow_result> execute(const config::if_step& step);
  asio::awaitable<flow_result> execute(const config::repeat_step& step);
  asio::awaitable<flow_result> execute(const config::each_step& step);
  asio::awaitable<flow_result> execute(const config::emit_step& step);
  asio::awaitable<flow_result> execute(const config::stream_step& step);
  asio::awaitable<flow_result> execute(const config::fail_step& step);
  asio::awaitable<flow_result> execute(const config::reconnect_step& step);

  [[nodiscard]] std::unique_ptr<byte_source> open_source(const config::stream_step& step,
                                                         std::optional<fault>& failed);
  asio::awaitable<flow_result> pump(const config::stream_step& step, byte_source& from);
  asio::awaitable<flow_result> send_chunk(const config::stream_step::carrier& by, const std::string& field,
                                          std::span<const std::uint8_t> chunk);
  asio::awaitable<flow_result> gather_tasks(const config::gather_step& step);
  static asio::awaitable<flow_result> branch(std::shared_ptr<flow> self, const config::step_list& steps);
  asio::awaitable<flow_result> branch(const config::step_list& steps) const;

  asio::awaitable<flow_result> put(protocol::frame_view message, std::string name,
                                   bool answer_awaited = false);
  [[nodiscard]] std::optional<fault> pack(const config::send_step& command, packed_command& out,
                                          nlohmann::ordered_json& values);
  asio::awaitable<void> await_turn(const std::string& command);
  [[nodiscard]] bool holds(const config::json_template& condition, std::optional<fault>& failed);
  [[nodiscard]] std::optional<fault> set(const std::string& variable, nlohmann::ordered_json value);
  [[nodiscard]] std::optional<fault> save(const config::script_step& step,
                                          const nlohmann::ordered_json& result);
  [[nodiscard]] fault blamed(std::string cause) const;  ///< caused by a reply, or on purpose
  /// Caused by anything else.
  [[nodiscard]] fault mishap(std::string cause, fault_reason reason = fault_reason::other) const;

  flow_context& shared_;
  mutable std::shared_ptr<const nlohmann::ordered_json>
      reply_;  ///< read from `message_` when it is asked for
  kept_reply message_;
  std::shared_ptr<const void> held_;
  std::shared_ptr<const reply_charge> charge_;  ///< of a task that a handler started, for `message_`
  reply_mark mark_;                             ///< replies from there on count
  std::shared_ptr<const nlohmann::ordered_json> caught_;  ///< while `on_fault` is carried out
  std::vector<std::uint64_t> limits_;                     ///< of the steps around that have a time limit
  config::fault_class blame_ = config::fault_class::script;
  unsigned work_in_turn_ = 0;
};

}  // namespace duplexd
