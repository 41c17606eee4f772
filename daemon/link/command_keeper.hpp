#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace duplexd {

/// A durable command, as it is on the disk (docs/durability.md).
struct kept_command {
  using wall_time = std::chrono::system_clock::time_point;
  enum class stage : std::uint8_t { accepted, sending, ended };

  std::uint64_t number = 0;  ///< grows in the order in which they came
  std::string session{};
  std::string source{};  ///< the output whose program said it; empty: stdin, operators
  std::string id{};
  std::string command{};
  std::string values{};  ///< JSON, as they came; empty after the end
  stage at = stage::accepted;
  std::uint32_t attempts = 0;  ///< how often it was `sending`
  wall_time accepted{};
  std::chrono::milliseconds ttl{};
  std::string end{};    ///< the state that it ended in,
  std::string why{};    ///< the reason,
  std::string reply{};  ///< the reply that confirmed it,
  std::string data{};   ///< and its values as JSON, unless they are large
  wall_time ended{};
};

/// How long it may still wait. A clock that was set back does not make it wait for longer than its ttl.
[[nodiscard]] inline std::chrono::milliseconds time_left(const kept_command& of,
                                                         kept_command::wall_time now) {
  using std::chrono::milliseconds;
  if (now <= of.accepted) return of.ttl;
  const auto passed = std::chrono::duration_cast<milliseconds>(now - of.accepted);
  return passed >= of.ttl ? milliseconds::zero() : of.ttl - passed;
}

/// Keeps durable commands on the disk. Used from the loop's thread.
class command_keeper {
 public:
  command_keeper() = default;
  command_keeper(const command_keeper&) = delete;
  command_keeper& operator=(const command_keeper&) = delete;
  virtual ~command_keeper() = default;

  /// Called in a later turn of the loop: the change is on the disk, or `failed` says why it is not.
  using done = std::function<void(const std::string& failed)>;

  /// Takes a command, whose number is returned. 0: there is no room, as `error` says. If it fails the command
  /// is not kept.
  virtual std::uint64_t accept(kept_command what, std::string& error, done told) = 0;

  /// It is about to be sent. If that fails it is still `accepted`.
  virtual void mark(std::uint64_t number, done told) = 0;

  /// It goes back to `accepted`. `was_sent`: its bytes may have left, so the attempt counts.
  virtual void unmark(std::uint64_t number, bool was_sent) = 0;
  [[nodiscard]] virtual std::uint32_t attempts(std::uint64_t number) const = 0;

  struct ending {
    std::string state{};
    std::string why{};
    std::string reply{};
    std::string data{};
  };
  /// Its end. Tried again until it is on the disk: `told` hears of no failure.
  virtual void end(std::uint64_t number, ending how, done told) = 0;
};

}  // namespace duplexd
