#include "daemon/app/daemon_sources.hpp"

#include <unistd.h>

#include "daemon/input/input_sources.hpp"
#include "daemon/process/program_source.hpp"

namespace duplexd {

namespace {

class unreadable_source final : public byte_source {
 public:
  explicit unreadable_source(std::string why) : why_(std::move(why)) {}
  asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t /*size*/) override {
    out.clear();
    co_return why_;
  }

 private:
  std::string why_;
};

class daemon_sources final : public byte_sources {
 public:
  daemon_sources(asio::any_io_executor loop, bool stdin_is_free)
      : loop_(std::move(loop)), stdin_is_free_(stdin_is_free) {}

  std::unique_ptr<byte_source> file(std::string path) override {
    return make_file_source(loop_, std::move(path));
  }

  std::unique_ptr<byte_source> program(program_request what) override {
    return make_program_source(loop_, std::move(what));
  }

  std::unique_ptr<byte_source> standard_input() override {
    if (!stdin_is_free_)
      return std::make_unique<unreadable_source>("the configuration or the commands are read from it");
    if (!stdin_lease_.expired()) return std::make_unique<unreadable_source>("another step reads it now");
    const auto lease = std::make_shared<int>();
    stdin_lease_ = lease;
    return make_inherited_source(loop_, STDIN_FILENO, lease);
  }

 private:
  asio::any_io_executor loop_;
  bool stdin_is_free_;
  std::weak_ptr<int> stdin_lease_;
};

}  // namespace

std::unique_ptr<byte_sources> make_byte_sources(asio::any_io_executor loop, bool stdin_is_free) {
  return std::make_unique<daemon_sources>(std::move(loop), stdin_is_free);
}

}  // namespace duplexd
