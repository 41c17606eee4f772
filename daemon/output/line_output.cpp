#include "daemon/output/line_output.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"

namespace duplexd {

namespace {
constexpr std::size_t kept_capacity = 64 * 1024;  // bytes; what a burst took beyond that is given back
}  // namespace

line_output::line_output(const asio::any_io_executor& loop, telemetry& log, std::string name, int descriptor)
    : loop_(loop),
      log_(log),
      name_(std::move(name)),
      writer_(loop, descriptor),
      appended_(loop),
      progress_(loop) {}

void line_output::append(const session_event& /*happened*/, std::string_view record) {
  if (broken_) return;
  if (pending_.empty()) appended_.notify();
  pending_.append(record);
}

std::string line_output::held_up() const {
  return writer_.held_up() == 0 ? "" : std::generic_category().message(writer_.held_up());
}

void line_output::tell_held_up() {
  std::string why = held_up();
  if (!why.empty() && why != told_)
    log_.record("", happening::output_failed{name_, why, descriptor_writer::retry});
  told_ = std::move(why);
}

asio::awaitable<void> line_output::wait_room() {
  bool go_on = true;
  while (go_on && !has_room()) go_on = co_await progress_.wait();
}

asio::awaitable<void> line_output::wait_written() {
  bool go_on = true;
  while (go_on && waiting() != 0 && !broken_) go_on = co_await progress_.wait();
}

asio::awaitable<std::string> line_output::write_all() {
  while (!co_await cancelled()) {
    if (written_ == writing_.size()) {
      if (writing_.capacity() > kept_capacity) std::string().swap(writing_);
      writing_.clear();
      written_ = 0;
      std::swap(writing_, pending_);
      progress_.notify();
      if (writing_.empty()) {
        co_await appended_.wait();
        continue;
      }
    }
    const auto count = writer_.write_some(std::string_view{writing_}.substr(written_));
    if (count < 0) co_return std::generic_category().message(errno);
    written_ += static_cast<std::size_t>(count);
    tell_held_up();
    const bool again = count > 0 && writer_.is_file();  // only nothing at all says that it is full
    if (written_ != writing_.size() && !again) co_await writer_.wait_writable();
  }
  co_return std::string{};
}

asio::awaitable<std::string> line_output::watch_reader() {
  const bool gone = co_await writer_.wait_reader_gone();
  co_return gone ? "its reader closed it" : "";
}

asio::awaitable<std::string> line_output::run() {
  enum task { writing, watching };
  task_group<std::string> tasks{loop_};
  tasks.spawn(writing, write_all());
  tasks.spawn(watching, watch_reader());
  auto first = co_await tasks.next();
  co_await tasks.join();
  broken_ = !first.how.empty();
  progress_.notify();
  co_return first.how;
}

}  // namespace duplexd
