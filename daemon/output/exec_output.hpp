#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "daemon/event/output.hpp"
#include "daemon/output/output_context.hpp"
#include "daemon/output/program_sink.hpp"
#include "daemon/output/queued_output.hpp"

namespace duplexd {

/// A queue and the program that it is written to.
class exec_output final : public output {
 public:
  exec_output(const output_context& context, const config::output_settings& settings);

  void append(const session_event& happened, std::string_view record) override {
    queue_.append(happened, record);
  }
  [[nodiscard]] bool has_room() const noexcept override { return queue_.has_room(); }
  asio::awaitable<void> wait_room() override { return queue_.wait_room(); }
  /// Ends only when cancelled.
  asio::awaitable<std::string> run() override;
  asio::awaitable<void> wait_written() override { return queue_.wait_written(); }
  /// What is in the queue may take half of the time; then the program's input is closed.
  asio::awaitable<void> finish(clock::time_point until) override;
  void kill() noexcept override { program_.kill(); }
  [[nodiscard]] std::size_t waiting() const noexcept override { return queue_.waiting(); }
  [[nodiscard]] std::string held_up() const override { return program_.failed(); }

 private:
  exec_output(const output_context& context, const config::output_settings& settings,
              std::unique_ptr<program_sink> program);
  asio::awaitable<int> write_out();

  asio::any_io_executor loop_;
  clock& time_;
  program_sink& program_;
  queued_output queue_;  ///< owns the program
};

}  // namespace duplexd
