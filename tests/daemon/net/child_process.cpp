#include "tests/daemon/net/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace duplexd::net::test {
namespace {

namespace asio = boost::asio;

asio::ip::tcp::endpoint loopback(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

}  // namespace

child_process::child_process(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  const int failed = posix_spawnp(&id_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  output_ = ends[0];
  if (failed == 0) return;
  close(output_);
  throw std::runtime_error("cannot start " + command.at(0));
}

child_process::~child_process() {
  kill(id_, SIGKILL);
  waitpid(id_, nullptr, 0);
  close(output_);
}

std::string child_process::line() {
  for (;;) {
    if (const auto end = read_.find('\n'); end != std::string::npos) {
      std::string first = read_.substr(0, end);
      read_.erase(0, end + 1);
      return first;
    }
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    std::array<char, 4096> piece{};
    const ssize_t got = poll(&waiting, 1, 10'000) == 1 ? read(output_, piece.data(), piece.size()) : 0;
    if (got <= 0) throw std::runtime_error("the program said nothing more");
    read_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

std::uint16_t number_after(const std::string& text, const std::string& before) {
  const auto at = text.rfind(before);
  if (at == std::string::npos) throw std::runtime_error("no '" + before + "' in: " + text);
  return static_cast<std::uint16_t>(std::stoi(text.substr(at + before.size())));
}

void wait_for_port(std::uint16_t port) {
  asio::io_context loop;
  for (int i = 0; i < 1000; ++i) {
    asio::ip::tcp::socket socket(loop);
    boost::system::error_code error;
    socket.connect(loopback(port), error);
    if (!error) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("nobody listens on port " + std::to_string(port));
}

std::uint16_t free_port() {
  asio::io_context loop;
  return asio::ip::tcp::acceptor(loop, loopback(0)).local_endpoint().port();
}

}  // namespace duplexd::net::test
