#include "daemon/cli/control_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "daemon/app/exit_code.hpp"
#include "daemon/net/http/answer_reader.hpp"
#include "protocol/text/percent_encoding.hpp"

namespace duplexd::cli {

namespace {

/// Of the socket units, and of the service itself.
constexpr std::array<const char*, 3> usual_sockets{
    "/run/duplexd/control.sock", "/run/duplexd/duplexd/control.sock", "/run/duplexd/view.sock"};

/// The first that the user may use; if there is none, the service's own.
std::string usual_socket() {
  for (const char* path : usual_sockets)
    if (::access(path, R_OK | W_OK) == 0) return path;
  return usual_sockets[1];
}
constexpr std::chrono::seconds connect_limit{5};

std::string reason_text(int error) {
  if (error == ENOENT) return "there is no such socket: is duplexd running, and is --socket right?";
  if (error == ECONNREFUSED) return "nobody listens on it: duplexd has ended";
  if (error == EACCES) return "no permission: only the socket's owner, its group and root may use it";
  if (error == EAGAIN || error == EWOULDBLOCK) return "no answer in time: duplexd may hang";
  return std::generic_category().message(error);
}

/// A connected socket, closed at the end; negative: `error` says why there is none.
class connection {
 public:
  connection(const std::string& path, std::chrono::seconds limit) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      error_ = "the path is too long";
      return;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    handle_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = limit.count(), .tv_usec = 0};
    ::setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const timeval to_send{.tv_sec = connect_limit.count(), .tv_usec = 0};
    ::setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &to_send, sizeof to_send);
    if (::connect(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail();
  }
  ~connection() {
    if (handle_ >= 0) ::close(handle_);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  [[nodiscard]] int handle() const noexcept { return handle_; }

  void send(std::string_view text) {
    while (!text.empty() && error_.empty()) {
      const ssize_t sent = ::send(handle_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0)
        fail();
      else
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// What came; empty at the end, and after an error.
  [[nodiscard]] std::string_view receive() {
    for (;;) {
      const ssize_t got = ::recv(handle_, bytes_.data(), bytes_.size(), 0);
      if (got >= 0) return {bytes_.data(), static_cast<std::size_t>(got)};
      if (errno == EINTR) continue;
      fail();
      return {};
    }
  }

 private:
  void fail() { error_ = reason_text(errno); }

  int handle_ = -1;
  std::string error_;
  std::array<char, 65536> bytes_{};
};

/// Serves what is beside until the connection can be read; false when its time is over.
bool serve_beside(const connection& link, follow_beside& beside) {
  using clock = std::chrono::steady_clock;
  for (;;) {
    int patience = -1;
    if (beside.until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*beside.until - clock::now()).count();
      if (left <= 0) return false;
      patience = static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
    }
    std::array<pollfd, 2> waits{{{.fd = link.handle(), .events = POLLIN, .revents = 0},
                                 {.fd = beside.handle, .events = POLLIN, .revents = 0}}};
    if (::poll(waits.data(), waits.size(), patience) < 0 && errno != EINTR) return true;
    if (waits[0].revents != 0) return true;
    if (waits[1].revents != 0) beside.readable();
  }
}

}  // namespace

control_answer control_client::ask(std::string_view method, const std::string& target,
                                   const std::string& body, std::chrono::seconds limit) const {
  control_answer answer;
  connection link(socket_, limit);
  link.send(
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: duplexd\r\nConnection: "
                  "close\r\nContent-Length: {}\r\n\r\n{}",
                  method, target, body.size(), body));
  net::answer_reader reader({.body = std::size_t{64} << 20, .sender = "daemon"});
  while (link.error().empty() && !reader.done() && !reader.failure()) {
    const std::string_view piece = link.receive();
    if (piece.empty())
      reader.feed_end();
    else
      reader.feed(piece);
  }
  if (const auto& failed = reader.failure()) answer.error = failed->text;
  if (!link.error().empty()) answer.error = link.error();
  if (!answer.error.empty()) answer.error = socket_ + ": " + answer.error;
  if (!reader.done()) return answer;
  answer.status = reader.head().status;
  answer.body = std::move(reader.body());
  return answer;
}

control_answer control_client::follow(const std::string& target,
                                      const std::function<bool(std::string_view)>& take,
                                      follow_beside* beside) const {
  control_answer answer;
  connection link(socket_, std::chrono::seconds(0));
  link.send(fmt::format(
      "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: duplexd\r\nConnection: close\r\n\r\n", target));
  net::answer_reader reader({.body = std::size_t{64} << 20, .sender = "daemon"});
  bool go_on = true;
  while (go_on && link.error().empty() && !reader.done() && !reader.failure()) {
    const std::string_view piece = link.receive();
    if (piece.empty())
      reader.feed_end();
    else
      reader.feed(piece);
    if (!reader.head_done() || reader.head().status != 200) continue;
    if (!reader.body().empty()) go_on = take(reader.body());
    reader.body().clear();
    if (go_on && beside != nullptr) go_on = serve_beside(link, *beside);
  }
  if (reader.head_done()) answer.status = reader.head().status;
  answer.body = std::move(reader.body());
  if (const auto& failed = reader.failure(); go_on && failed) answer.error = socket_ + ": " + failed->text;
  if (!link.error().empty()) answer.error = socket_ + ": " + link.error();
  return answer;
}

void add_socket_option(CLI::App& command, std::string& socket) {
  socket = usual_socket();
  command.add_option("--socket", socket, "The daemon's control socket (control.socket in its configuration)")
      ->envname("DUPLEXD_SOCKET")
      ->capture_default_str();
}

int report(const control_answer& answer) {
  if (answer.status == 0) {
    std::fprintf(stderr, "duplexd: %s\n", answer.error.c_str());
    return exit_no_daemon;
  }
  const bool is_good = answer.status >= 200 && answer.status < 300;
  const auto told = nlohmann::ordered_json::parse(answer.body, nullptr, false);
  if (!is_good && told.is_object() && told.contains("error") && told["error"].is_string())
    std::fprintf(stderr, "duplexd: %s\n", told["error"].get_ref<const std::string&>().c_str());
  else
    std::fwrite(answer.body.data(), 1, answer.body.size(), stdout);
  if (std::fflush(stdout) != 0) return exit_output_closed;
  return is_good ? exit_success : exit_refused;
}

std::string escaped(std::string_view text) {
  std::string out;
  protocol::append_percent_encoded(out, text);
  return out;
}

}  // namespace duplexd::cli
