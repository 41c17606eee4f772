#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "config/settings/output_settings.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/output/output_context.hpp"
#include "daemon/output/record_sink.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

/// Posts records to a server, in batches, one after the other. What is accepted is written; what is refused
/// for good goes to a file or is dropped, and is told; everything else is tried again as it was.
class http_sink final : public record_sink {
 public:
  /// `dead_letters` takes what was refused; null: it is dropped.
  http_sink(const output_context& context, const config::output_settings& settings,
            std::unique_ptr<record_sink> dead_letters);

  asio::awaitable<progress> write(const record_batch& records) override;
  asio::awaitable<void> pace(const record_batch& waiting, notifier& changed) override;
  void hurry() override { hurries_ = true; }

  /// How long a server may ask us to wait.
  static constexpr std::chrono::hours longest_wait{1};
  /// Bytes of an answer, which is not looked at.
  static constexpr std::size_t largest_answer = std::size_t{1} << 20;
  /// Bytes of events whose body is made, compressed and signed on the loop; for more there is a thread.
  static constexpr std::size_t most_on_loop = std::size_t{64} << 10;

 private:
  /// The request that is on its way, or is to be sent again.
  struct batch {
    std::size_t count = 0;  ///< the first records; 0: there is none
    std::string key{};      ///< of idempotency
    std::string refused{};  ///< why; empty: it was not
  };
  [[nodiscard]] bool is_full(std::size_t count, std::size_t bytes) const noexcept;
  void begin(const record_batch& records);
  [[nodiscard]] std::string body_of(const record_batch& records) const;
  /// What a request needs besides its body.
  struct prepared {
    http_request request;
    std::string secret{};  ///< for its signature
  };
  [[nodiscard]] std::variant<prepared, std::string> prepare();
  /// Fills in the body, and what depends on it. Needs nothing of the loop.
  void complete(prepared& what, const record_batch& records) const;
  asio::awaitable<void> complete_beside(prepared& what, const record_batch& records);
  asio::awaitable<progress> send(http_request what);
  [[nodiscard]] progress judge(const http_response& answer);
  asio::awaitable<progress> bury(const record_batch& records);

  output_context context_;
  config::output_settings settings_;
  std::unique_ptr<record_sink> dead_letters_;
  secret_holder secrets_;
  batch batch_;
  clock::time_point began_{};  ///< the last request
  bool has_begun_ = false;
  bool hurries_ = false;
  std::uint64_t refused_ = 0;     ///< events so far
  std::optional<worker> thread_;  ///< ends first
};

}  // namespace duplexd
