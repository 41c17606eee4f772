#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/link/byte_source.hpp"
#include "daemon/link/dial_observer.hpp"
#include "daemon/link/dialer.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/link/program_runner.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/work_line.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// What a probe goes through, in order; not every session has a proxy, TLS or a login. `prepare` is what
/// comes before the dial: references, and steps.
enum class probe_phase : std::uint8_t { prepare, dns, tcp, proxy, tls, websocket, login, reply };

[[nodiscard]] std::string_view name_of(probe_phase phase) noexcept;

/// One phase, and how it went.
struct probe_row {
  probe_phase phase = probe_phase::prepare;
  bool ok = false;
  std::chrono::nanoseconds took{0};
  std::string text{};                ///< for people: what was found, or why it failed
  nlohmann::ordered_json details{};  ///< the same for machines; null or an object
};

struct probe_report {
  std::vector<probe_row> rows;
  std::optional<probe_phase> failed;  ///< the last row's, if that is what it did
};

/// Runs one session up to the server's first message and times each phase: dial, login, script. The session
/// engine does the work; this only looks on, through everything that it is given from outside. No row holds a
/// secret.
class probe final : private dial_observer, private dialer, private telemetry, private output {
 public:
  explicit probe(const config::session_settings& settings);

  /// Told of each row when it stands.
  using row_taker = std::function<void(const probe_row&)>;

  /// What is left of the limit for closing the link is never less than this.
  static constexpr std::chrono::milliseconds least_close{50};

  /// Blocks until the first message, a failure, or `limit`; then the link is closed in order, which ends with
  /// the limit, too. Call once.
  [[nodiscard]] probe_report run(std::chrono::milliseconds limit, row_taker taker = {});

 private:
  void phase_begun(dial_phase phase) override;
  void phase_done(dial_phase phase, std::chrono::nanoseconds took, const dial_details& details) override;
  asio::awaitable<dial_result> dial(dial_request request) override;
  void record(std::string_view session, const event& what) override;
  void append(const session_event& happened, std::string_view record) override;
  [[nodiscard]] bool has_room() const noexcept override { return true; }
  asio::awaitable<void> wait_room() override { co_return; }
  asio::awaitable<std::string> run() override { co_return std::string{}; }
  asio::awaitable<void> wait_written() override { co_return; }

  [[nodiscard]] bool login_is_answered() const noexcept;
  void begin(probe_phase phase);
  void add(probe_row row);
  void show(std::size_t count);
  void succeed(std::string text, nlohmann::ordered_json details = nullptr);
  void fail(const fault& why);
  void fail_inactive(const std::string& text);
  void fail_late(std::chrono::milliseconds limit);
  void end();
  [[nodiscard]] std::chrono::nanoseconds taken() const { return time_.now() - begun_; }

  std::shared_ptr<config::session_settings>
      settings_;  ///< our own: the close takes what is left of the limit
  secret_index secrets_;
  asio::io_context loop_{1};
  steady_clock time_{loop_.get_executor()};
  std::unique_ptr<dialer> links_;
  std::unique_ptr<http_client> http_;
  std::unique_ptr<program_runner> programs_;
  std::unique_ptr<byte_sources> sources_;
  work_line calculations_{loop_.get_executor()};
  asio::steady_timer limit_{loop_};
  session session_;
  probe_phase phase_ = probe_phase::prepare;
  clock::time_point begun_{};
  clock::time_point until_{};
  row_taker taker_;
  std::size_t shown_ = 0;  ///< rows
  bool over_ = false;
  probe_report report_{};
};

}  // namespace duplexd
