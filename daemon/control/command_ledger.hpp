#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "daemon/session/exchange/submission.hpp"

namespace duplexd {

/// What became of the newest commands from outside, by session, id and source: sources do not know each
/// other's ids. Bounded: the oldest are forgotten.
class command_ledger {
 public:
  static constexpr std::size_t most_commands = 65'536;
  static constexpr std::size_t most_bytes = std::size_t{32} << 20;
  /// Bytes of one record: the values of a larger reply are left out.
  static constexpr std::size_t largest = std::size_t{64} << 10;

  struct record {
    command_state state = command_state::queued;
    bool has_ended = false;
    std::string source{};  ///< see command_origin
    std::string json{};    ///< for answers, without a newline
  };

  /// At each change of a command that has an id.
  void note(const std::string& session, const submission& what);

  /// A command of an operator, or of stdin; null: nothing is known of it. Valid until the next `note`.
  [[nodiscard]] const record* find(const std::string& session, const std::string& id) const;
  /// The same; if there is none, one of that id that a program or a broker gave.
  [[nodiscard]] const record* find_any(const std::string& session, const std::string& id) const;

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  using key = std::tuple<std::string, std::string, std::string>;  ///< session, id, source
  static std::size_t cost(const key& of, const record& what) noexcept;

  std::map<key, record> records_;
  std::deque<std::map<key, record>::iterator> order_;  ///< the oldest first
  std::size_t bytes_ = 0;
};

}  // namespace duplexd
