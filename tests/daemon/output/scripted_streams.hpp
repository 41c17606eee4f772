#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/link/stream_dialer.hpp"
#include "tests/daemon/support/scripted_link.hpp"

namespace duplexd::test {

/// What a connection was sent, and what becomes of it.
struct scripted_connection {
  std::vector<std::string> sent;
  std::string ended;                ///< why; empty: it is open
  std::deque<std::string> answers;  ///< to each `send`; then all are acknowledged
  bool hangs = false;               ///< no answer comes
};

/// Connects unless the test says why not; keeps what each connection was sent.
class scripted_streams final : public stream_dialer {
 public:
  asio::awaitable<stream_result> open(server_request to) override {
    asked.push_back(std::move(to));
    if (!refusal.empty()) co_return fault{.kind = config::fault_class::connect, .cause = refusal};
    made.push_back(std::make_shared<scripted_connection>(next));
    co_return std::make_unique<stream>(made.back());
  }

  std::vector<server_request> asked;
  std::vector<std::shared_ptr<scripted_connection>> made;
  std::string refusal;
  scripted_connection next;  ///< how the next ones begin

 private:
  class stream final : public sending_stream {
   public:
    explicit stream(std::shared_ptr<scripted_connection> to) : to_(std::move(to)) {}
    ~stream() override { to_->ended = "closed by us"; }
    [[nodiscard]] std::string end_cause() const override { return to_->ended; }
    asio::awaitable<std::string> send(std::string bytes, std::chrono::milliseconds limit) override {
      to_->sent.push_back(std::move(bytes));
      if (to_->hangs) {
        notifier never{co_await asio::this_coro::executor};
        co_await never.wait();
        co_return "it was given up";
      }
      if (to_->answers.empty()) co_return std::string{};
      std::string answer = std::move(to_->answers.front());
      to_->answers.pop_front();
      if (answer == "limit") answer = std::to_string(limit.count()) + " ms have passed";
      co_return answer;
    }

   private:
    std::shared_ptr<scripted_connection> to_;
  };
};

}  // namespace duplexd::test
