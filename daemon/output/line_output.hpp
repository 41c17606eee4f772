#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <string>

#include "daemon/event/events.hpp"
#include "daemon/event/output.hpp"
#include "daemon/output/descriptor_writer.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Events as lines on an inherited descriptor. A full disk is told, once until it has taken something.
class line_output final : public output {
 public:
  /// Above this many bytes waiting, `wait_room()` holds producers back.
  static constexpr std::size_t high_water = 4u << 20;

  line_output(const asio::any_io_executor& loop, telemetry& log, std::string name, int descriptor);

  void append(const session_event& happened, std::string_view record) override;
  [[nodiscard]] bool has_room() const noexcept override { return broken_ || waiting() <= high_water; }
  asio::awaitable<void> wait_room() override;
  asio::awaitable<std::string> run() override;
  asio::awaitable<void> wait_written() override;

  /// Only of a file.
  [[nodiscard]] std::string held_up() const override;
  [[nodiscard]] std::size_t waiting() const noexcept override {
    return broken_ ? 0 : pending_.size() + writing_.size() - written_;
  }

 private:
  asio::awaitable<std::string> write_all();
  asio::awaitable<std::string> watch_reader();
  void tell_held_up();

  asio::any_io_executor loop_;
  telemetry& log_;
  std::string name_;
  descriptor_writer writer_;
  std::string pending_;      ///< appended since the last write began
  std::string writing_;      ///< leaving now
  std::size_t written_ = 0;  ///< of `writing_`
  bool broken_ = false;
  std::string told_;  ///< why it was held up; empty: it was not
  notifier appended_;
  notifier progress_;
};

}  // namespace duplexd
