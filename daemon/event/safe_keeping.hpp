#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace duplexd {

namespace asio = boost::asio;

/// What the journal does for sessions beside keeping the events of durable outputs. On the loop's thread.
class safe_keeping {
 public:
  safe_keeping() = default;
  safe_keeping(const safe_keeping&) = delete;
  safe_keeping& operator=(const safe_keeping&) = delete;
  virtual ~safe_keeping() = default;

  /// A durable variable has a new value, as JSON. It is committed with the events that outputs were given
  /// before, never without them.
  virtual void keep(const std::string& session, const std::string& variable, std::string value) = 0;
  /// The same with what has no value any more.
  virtual void forget(const std::string& session, const std::string& variable) = 0;
  /// The values of a session's durable variables, by name.
  [[nodiscard]] virtual std::map<std::string, std::string> kept(const std::string& session) const = 0;

  /// How many events durable outputs were given so far: the number of the last.
  [[nodiscard]] virtual std::uint64_t given() const noexcept = 0;
  /// All events up to this number are on the disk.
  [[nodiscard]] virtual std::uint64_t committed() const noexcept = 0;
  /// A durable output has taken all of its events up to this number.
  [[nodiscard]] virtual std::uint64_t taken_by(const std::string& output) const = 0;
  /// Suspends until `committed()` or `taken_by()` may have changed. May be cancelled.
  virtual asio::awaitable<void> wait_committed() = 0;
};

}  // namespace duplexd
