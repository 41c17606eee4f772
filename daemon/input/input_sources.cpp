#include "daemon/input/input_sources.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>

#include "daemon/input/inherited_input.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

namespace {

class file_source final : public byte_source {
 public:
  file_source(asio::any_io_executor loop, std::string path)
      : path_(std::move(path)), beside_(std::move(loop)) {}
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;
  ~file_source() override {
    if (file_ >= 0) ::close(file_);
  }

  asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t size) override {
    std::string why;
    out.clear();
    const bool stopped = co_await cancelled();
    if (stopped) co_return why;
    std::function<void()> work = [&] { why = read_here(out, size); };
    co_await beside_.run(std::move(work));
    co_return why;
  }

 private:
  // Opening a pipe would wait for its writer.
  std::string open_here() {
    file_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file_ < 0 && errno == ENOENT) return "there is no such file";
    struct stat found{};
    if (file_ < 0 || ::fstat(file_, &found) != 0) return std::generic_category().message(errno);
    return S_ISREG(found.st_mode) ? "" : "it is not a regular file";
  }

  std::string read_here(std::vector<std::uint8_t>& out, std::size_t size) {
    if (file_ < 0)
      if (std::string why = open_here(); !why.empty()) return why;
    out.resize(size);
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t count = ::read(file_, out.data() + filled, size - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::generic_category().message(errno);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    out.resize(filled);
    return {};
  }

  std::string path_;
  int file_ = -1;
  worker beside_;
};

class inherited_source final : public byte_source {
 public:
  inherited_source(const asio::any_io_executor& loop, int inherited, std::shared_ptr<void> lease)
      : input_(loop, inherited), lease_(std::move(lease)) {}

  asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t size) override {
    using got = inherited_input::got;
    out.resize(size);
    std::size_t filled = 0;
    bool stopped = co_await cancelled();
    while (!stopped && !ended_ && filled < size) {
      std::size_t count = 0;
      const got how = input_.read(std::span(out).subspan(filled), count);
      filled += count;
      ended_ = how == got::end;
      if (how == got::bytes) co_await input_.leave_turn();
      if (how == got::nothing_yet) co_await input_.wait();
      stopped = co_await cancelled();
    }
    out.resize(filled);
    co_return input_.failed();
  }

 private:
  inherited_input input_;
  std::shared_ptr<void> lease_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<byte_source> make_file_source(asio::any_io_executor loop, std::string path) {
  return std::make_unique<file_source>(std::move(loop), std::move(path));
}

std::unique_ptr<byte_source> make_inherited_source(const asio::any_io_executor& loop, int inherited,
                                                   std::shared_ptr<void> lease) {
  return std::make_unique<inherited_source>(loop, inherited, std::move(lease));
}

}  // namespace duplexd
