#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/signal_echo.hpp"
#include "daemon/event/events.hpp"
#include "daemon/input/line_input.hpp"
#include "daemon/link/dialer.hpp"
#include "daemon/link/ping_observer.hpp"
#include "daemon/output/line_output.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// How a console behaves, and what its lines mean.
struct console_options {
  struct message {
    protocol::frame_kind kind = protocol::frame_kind::text;
    std::vector<std::uint8_t> bytes{};
    std::string error{};  ///< why the line is no message; it is not sent then
  };
  /// The message that a line of stdin stands for.
  std::function<message(const std::string& line)> read;
  /// A message of the server as text, newline included.
  std::function<std::string(protocol::frame_view from)> show;
  bool marks = false;   ///< `<` before what came
  bool prompt = false;  ///< `>` where a line may be typed
  bool verbose = false;
  std::chrono::milliseconds wait{0};  ///< for answers, after the end of stdin
};

/// One link between stdin and stdout: each line is sent, what comes is printed. It is dialed as a session
/// dials, and closed in order at the end of stdin, on a signal, and when stdout is closed.
class console final : private telemetry, private ping_observer {
 public:
  /// The most of a line, in bytes, and of what waits to be sent before no more lines are read.
  static constexpr std::size_t longest_line = std::size_t{16} << 20;
  static constexpr std::size_t most_unsent = std::size_t{1} << 20;

  console(const config::session_settings& settings, console_options how);

  /// Blocks until the link has ended. Call once.
  [[nodiscard]] exit_code run();

 private:
  enum task { dialing, signals, printing, receiving, sending, answers, watching, closing, flushing };

  void record(std::string_view session, const event& what) override;
  void phase_done(dial_phase /*phase*/, std::chrono::nanoseconds /*took*/,
                  const dial_details& /*details*/) override {}
  void ping_received(std::string_view payload) override;
  asio::awaitable<void> work();
  asio::awaitable<void> serve();
  asio::awaitable<int> dial();
  asio::awaitable<int> receive();
  asio::awaitable<int> send();
  asio::awaitable<int> await_answers();
  asio::awaitable<int> watch();
  asio::awaitable<int> take_signals();
  asio::awaitable<int> print();
  asio::awaitable<int> await_close();
  asio::awaitable<int> flush();
  void close();
  void judge();
  void complain(const fault& why);
  void tell(const std::string& what);
  void show(protocol::frame_view frame);
  void put(std::string_view text);

  const config::session_settings& settings_;
  console_options how_;
  asio::io_context loop_{1};
  steady_clock time_{loop_.get_executor()};
  std::unique_ptr<dialer> links_;
  std::unique_ptr<transport> link_;
  line_output stdout_;
  asio::signal_set caught_;
  signal_echo echo_;
  task_group<int> beside_{loop_.get_executor()};  ///< of the link and its end
  task_group<int> tasks_{loop_.get_executor()};
  std::optional<fault> failed_;
  bool closing_ = false;  ///< by us
  bool output_closed_ = false;
  bool bad_line_ = false;
  exit_code result_ = exit_success;
};

}  // namespace duplexd
