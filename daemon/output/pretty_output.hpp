#pragma once

#include <string>
#include <string_view>

#include "daemon/event/output.hpp"
#include "daemon/event/pretty_line.hpp"

namespace duplexd {

/// Another output, with lines for people. That one is run by whoever owns it.
class pretty_output final : public output {
 public:
  explicit pretty_output(output& to) : to_(to) {}

  void append(const session_event& happened, std::string_view record) override {
    to_.append(happened, pretty_line(record));
  }
  [[nodiscard]] bool has_room() const noexcept override { return to_.has_room(); }
  asio::awaitable<void> wait_room() override { return to_.wait_room(); }
  asio::awaitable<std::string> run() override { return to_.run(); }
  asio::awaitable<void> wait_written() override { return to_.wait_written(); }

 private:
  output& to_;
};

}  // namespace duplexd
