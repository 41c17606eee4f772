#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace duplexd {

/// A connection to PostgreSQL, whose calls block, but not for longer than a limit.
class postgres_connection {
 public:
  struct answer {
    std::string error{};  ///< empty: it was done
    std::string state{};  ///< SQLSTATE; empty: the error is one of the connection
    std::vector<std::vector<std::string>> rows{};
    [[nodiscard]] bool good() const noexcept { return error.empty(); }
  };

  explicit postgres_connection(std::chrono::milliseconds limit) : limit_(limit) {}

  /// Returns why there is no connection; empty: there is one.
  [[nodiscard]] std::string open(const std::string& url);
  void close() noexcept { link_.reset(); }
  [[nodiscard]] bool is_open() const noexcept { return link_ != nullptr; }

  /// With parameters one statement, without them any number of them.
  [[nodiscard]] answer run(const std::string& sql, const std::vector<std::string>& parameters = {});

 private:
  using deadline = std::chrono::steady_clock::time_point;
  /// Why the connection was not to be waited for; empty: it is ready.
  [[nodiscard]] std::string wait(short events, deadline until);
  [[nodiscard]] std::string collect(answer& into, deadline until);
  [[nodiscard]] std::string error() const;

  std::chrono::milliseconds limit_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> link_{nullptr, &PQfinish};
};

}  // namespace duplexd
