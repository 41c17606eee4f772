#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "daemon/capture/capture.hpp"

namespace duplexd::net {

/// The entries of a session's first link in a capture, in order; nothing, and `why`, if there is none. An
/// empty name stands for the only session.
[[nodiscard]] std::optional<std::vector<capture_entry>> first_link(const std::vector<capture_entry>& capture,
                                                                   const std::string& session,
                                                                   std::string& why);

/// What the server does next in a replay.
struct replay_step {
  enum class action : std::uint8_t {
    wait,   ///< for the client, or until the time
    say,    ///< the message of `what`
    close,  ///< with the reason of `what`
    drop,   ///< the connection, without a close frame
    over,   ///< nothing is left to do
  };
  action kind = action::over;
  const capture_entry* what = nullptr;
  std::optional<std::chrono::steady_clock::time_point> until{};
};

/// Something that the client did otherwise than in the capture.
struct replay_difference {
  std::size_t number = 0;                      ///< of the client's message, from 1; 0: its close
  const capture_entry* expected = nullptr;     ///< null: nothing more was expected
  std::optional<protocol::frame_kind> kind{};  ///< of the message that came; none: no message came
  std::string found{};                         ///< its bytes; of a close or of nothing: in words
};

/// The server's part of one recorded link, and whether the client keeps to its own. What followed a client's
/// message in the capture follows it again, after the same time divided by `speed`. Pure: time comes in.
class replay_script {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A client's message is awaited this much longer than it took in the capture.
  static constexpr std::chrono::seconds patience{10};
  /// What the server said within this much of each other is said at once.
  static constexpr std::chrono::milliseconds burst{5};

  /// `link` is what `first_link` gave. Speed 0: no delays.
  replay_script(std::vector<capture_entry> link, double speed, time_point now);
  replay_script(const replay_script&) = delete;
  replay_script& operator=(const replay_script&) = delete;

  /// What is to be done now. Whatever it is, `wait` and `over` apart, is done once this returns.
  [[nodiscard]] replay_step next(time_point now);

  void client_said(protocol::frame_view message);

  /// The link is gone; `closed` is the client's close frame, if it sent one.
  void client_left(const std::optional<close_reason>& closed);

  /// How many messages of the client's were as recorded.
  [[nodiscard]] std::size_t equal() const noexcept { return equal_; }
  [[nodiscard]] const std::vector<replay_difference>& differences() const noexcept { return differences_; }

 private:
  struct message {
    protocol::frame_kind kind;
    std::string bytes;
  };
  [[nodiscard]] bool expects_client(const capture_entry& entry) const noexcept;
  [[nodiscard]] replay_step wait_for_client(const capture_entry& entry, time_point now);
  void compare(const capture_entry& entry, message found);
  void step_over(const capture_entry& entry, time_point now);
  void give_up(const std::string& found);

  std::vector<capture_entry> link_;
  double speed_;
  std::size_t at_ = 0;
  std::chrono::system_clock::time_point recorded_;  ///< the last thing that happened, in the capture
  time_point happened_;                             ///< and here
  std::deque<message> said_;                        ///< by the client, not compared yet
  std::size_t number_ = 0;
  std::size_t equal_ = 0;
  bool closing_ = false;  ///< one side has sent its close frame in the capture
  std::vector<replay_difference> differences_;
};

}  // namespace duplexd::net
