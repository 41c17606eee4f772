#include "daemon/process/program_source.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "daemon/process/child_process.hpp"
#include "daemon/process/program_end.hpp"
#include "daemon/process/program_environment.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

namespace {

class program_source final : public byte_source {
 public:
  program_source(asio::any_io_executor loop, program_request what)
      : loop_(std::move(loop)),
        what_(std::move(what)),
        output_(loop_),
        errors_(loop_),
        end_(loop_),
        tasks_(loop_) {}

  asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t size) override {
    out.clear();
    bool stopped = co_await cancelled();
    if (stopped) co_return std::string{};
    std::string error;
    if (!child_) error = start();
    if (!error.empty()) co_return error;
    while (!at_end_ && out.size() < size) {
      const std::size_t filled = out.size();
      out.resize(size);
      const auto [failed, count] = co_await output_.async_read_some(
          asio::buffer(out.data() + filled, size - filled), asio::as_tuple(asio::use_awaitable));
      out.resize(filled + count);
      stopped = co_await cancelled();
      if (stopped) co_return error;
      at_end_ = static_cast<bool>(failed);
    }
    if (!at_end_ || !child_ || !child_->started()) co_return error;
    co_await await_end(end_);
    const auto status = child_->status();
    if (status) error = describe_failure(*status, complained_);
    co_return error;
  }

  asio::awaitable<void> close() override {
    if (!child_) co_return;
    std::string unreached;
    if (child_->started()) tasks_.spawn(ender, bring_to_end(loop_, time_, *child_, end_, true, unreached));
    co_await tasks_.join();
    child_->status();
  }

 private:
  enum task { complaints, ender };

  std::string start() {
    std::string error;
    child_.emplace(what_.arguments, environment_with(what_.environment), error);
    if (!child_->started()) return "it cannot be started: " + error;
    asio::posix::stream_descriptor{loop_, child_->take_input()}.close();
    output_.assign(child_->take_output());
    errors_.assign(child_->take_errors());
    end_.assign(child_->take_end());
    tasks_.spawn(complaints, keep_last(errors_, complained_));
    return error;
  }

  asio::any_io_executor loop_;
  program_request what_;
  steady_clock time_{loop_};
  std::optional<child_process> child_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor errors_;
  asio::posix::stream_descriptor end_;
  std::string complained_;
  bool at_end_ = false;
  task_group<int> tasks_;
};

}  // namespace

std::unique_ptr<byte_source> make_program_source(asio::any_io_executor loop, program_request what) {
  return std::make_unique<program_source>(std::move(loop), std::move(what));
}

}  // namespace duplexd
