#include "daemon/net/http/http_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "daemon/net/http/header_check.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

using boost::system::error_code;

enum server_task : int { accepting, serving, streaming, watching };

constexpr std::chrono::milliseconds pause_after_accept_error{100};
constexpr std::chrono::milliseconds close_limit{1'000};

std::string date_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string head_text(const served_answer& answer, bool chunked, bool closes) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(answer.status));
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nCache-Control: no-store\r\nContent-Type: {}\r\n",
                  answer.status, std::string_view(reason.data(), reason.size()), date_text(), answer.type);
  for (const auto& [name, value] : answer.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (chunked)
    text += "Transfer-Encoding: chunked\r\n";
  else if (!answer.stream)
    text += fmt::format("Content-Length: {}\r\n", answer.body.size());
  if (closes) text += "Connection: close\r\n";
  return text + "\r\n";
}

/// The host of a Host field, in lower case and without its port; empty if it is none.
std::string host_of(std::string_view field) {
  std::string_view host = field;
  if (host.starts_with('[')) {
    host = host.substr(1, std::max<std::size_t>(host.find(']'), 1) - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  std::string lower(host);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower;
}

/// Whether a page asks that came from here. Behind a proxy that ends TLS its scheme is another than ours.
bool is_own_page(const request_head& request) {
  std::string_view origin = *request.first("Origin");
  const std::string* const host = request.first("Host");
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return host != nullptr && origin.substr(scheme.size()) == *host;
  return false;
}

/// Whether a browser says that a page of somebody else asks; that a user follows a link is nothing wrong. It
/// names no origin where it only embeds what it gets, as a script or an image.
bool is_embedded(const request_head& request) {
  const std::string* const site = request.first("Sec-Fetch-Site");
  const std::string* const mode = request.first("Sec-Fetch-Mode");
  const bool is_foreign = site != nullptr && *site != "same-origin" && *site != "none";
  return is_foreign && (mode == nullptr || *mode != "navigate");
}

void send_text(tcp_connection& to, std::string_view text) {
  to.cork().append(text.data(), text.size());
  to.schedule_flush();
}

/// Who is at the other end of an accepted socket.
std::string peer_of(tcp_socket& socket) {
  sockaddr_storage end{};
  socklen_t size = sizeof end;
  if (::getsockname(socket.native_handle(), reinterpret_cast<sockaddr*>(&end), &size) != 0) return "unknown";
  if (end.ss_family == AF_UNIX) {
    ucred who{};
    socklen_t length = sizeof who;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &length) != 0) return "unknown";
    return fmt::format("uid {}, pid {}", who.uid, who.pid);
  }
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  return error ? "unknown" : peer.address().to_string();
}

/// Whether somebody listens on the socket.
bool is_in_use(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool used =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  ::close(probe);
  return used;
}

}  // namespace

void answer_stream::write(std::string_view piece) {
  if (piece.empty()) return;  // an empty chunk is the last one
  if (chunked_) send_text(to_, fmt::format("{:x}\r\n", piece.size()));
  send_text(to_, piece);
  if (chunked_) send_text(to_, "\r\n");
}

asio::awaitable<void> answer_stream::wait_sent() {
  co_await to_.wait_sent();
}

served_answer refuse(unsigned status, std::string_view text) {
  served_answer answer;
  answer.status = status;
  answer.body = nlohmann::ordered_json{{"error", text}}.dump(
                    -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                "\n";
  return answer;
}

std::optional<served_answer> refusal_of(const request_head& request, const std::vector<std::string>& hosts,
                                        bool own_pages) {
  const bool is_foreign = request.first("Origin") != nullptr && !(own_pages && is_own_page(request));
  if (is_foreign || is_embedded(request)) return refuse(403, "requests of web pages are refused");
  const auto given = std::count_if(request.fields.begin(), request.fields.end(),
                                   [](const auto& field) { return is_same_header(field.first, "host"); });
  if (given == 0 && request.version < 11) return std::nullopt;  // no browser
  if (given != 1) return refuse(400, "one Host header is required");
  const std::string host = host_of(*request.first("Host"));
  if (host == "localhost" || config::is_ip_address(host) || std::ranges::find(hosts, host) != hosts.end())
    return std::nullopt;
  return refuse(421, "this host name is not served: use an IP address, localhost, or a name of `hosts`");
}

http_server::http_server(asio::io_context& loop, std::vector<std::string> hosts, server_limits limits,
                         handler handle)
    : loop_(loop),
      hosts_(std::move(hosts)),
      limits_(limits),
      handle_(std::move(handle)),
      tasks_(loop.get_executor()) {}

std::optional<std::string> http_server::listen(config::listen_address& address) {
  error_code error;
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.host, error), address.port);
  acceptor made(loop_.get_executor());
  if (!error) made.open(endpoint.protocol(), error);
  if (!error) close_on_exec(made.native_handle());
  if (!error) made.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) made.bind(endpoint, error);
  if (!error) made.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fmt::format("cannot listen on {}: {}", config::text_of(address), error.message());
  address.port = made.local_endpoint().port();
  acceptors_.push_back(std::move(made));
  return std::nullopt;
}

std::optional<std::string> http_server::listen(const std::string& path, mode_t mode) {
  const auto failed = [&](const std::string& why) {
    return fmt::format("cannot listen on the socket {}: {}", path, why);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return failed("the path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return failed("there is something else than a socket");
    if (is_in_use(address)) return failed("another process listens on it");
    ::unlink(path.c_str());
  }
  const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Before it listens nobody can connect, whatever the mode.
  const bool good = handle >= 0 &&
                    ::bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    ::chmod(path.c_str(), mode) == 0 && ::listen(handle, SOMAXCONN) == 0;
  const int error = errno;
  if (!good && handle >= 0) ::close(handle);
  if (!good) return failed(std::generic_category().message(error));
  listen(handle);
  sockets_.push_back(path);
  return std::nullopt;
}

// The protocol is only a name here, as in connect_unix.
void http_server::listen(int handle) {
  acceptors_.emplace_back(loop_.get_executor(), asio::ip::tcp::v4(), handle);
}

asio::awaitable<void> http_server::run() {
  for (acceptor& each : acceptors_) tasks_.spawn(accepting, accept_all(each));
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto ended = co_await tasks_.next();
    if (ended.id == serving) --connections_;
    stopped = co_await cancelled();
  }
  for (const std::string& path : sockets_) ::unlink(path.c_str());
  error_code ignored;
  for (acceptor& each : acceptors_) each.close(ignored);
  co_await tasks_.join();
}

asio::awaitable<int> http_server::accept_all(acceptor& at) {
  bool stopped = co_await cancelled();
  while (!stopped && at.is_open()) {
    tcp_socket socket(loop_.get_executor());
    const auto [error] = co_await at.async_accept(socket, as_value);
    if (error) {
      loop_timer pause(loop_.get_executor(), pause_after_accept_error);
      stopped = co_await cancelled();
      if (!stopped) std::ignore = co_await pause.async_wait(as_value);
    } else if (connections_ < limits_.connections) {
      ++connections_;
      std::string who = peer_of(socket);
      auto client = std::make_shared<tcp_connection>(std::move(socket));
      auto served = serve(std::move(client), std::move(who));
      tasks_.spawn(serving, std::move(served));
    } else {
      constexpr std::string_view busy =
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      (void)::send(socket.native_handle(), busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    stopped = co_await cancelled();
  }
  co_return 0;
}

asio::awaitable<int> http_server::serve(std::shared_ptr<tcp_connection> client, std::string who) {
  bool go_on = true;
  while (go_on) go_on = co_await serve_next(client, who);
  co_await client->finish(close_limit);
  co_return 0;
}

asio::awaitable<void> http_server::read(const std::shared_ptr<tcp_connection>& client,
                                        request_reader& reader) {
  std::optional<deadline> guard(std::in_place, client, limits_.idle);
  bool begun = false;
  for (;;) {
    const auto there = client->received();
    client->consume(reader.feed({reinterpret_cast<const char*>(there.data()), there.size()}));
    if (reader.done() || reader.failure()) co_return;
    if (!begun && !reader.untouched()) {
      begun = true;
      guard.emplace(client, limits_.request);
    }
    const bool stopped = co_await cancelled();
    if (stopped) client->abort();
    if (client->end_cause()) co_return;
    const bool more = client->fill();
    if (!more && !client->end_cause()) co_await client->wait_readable();
  }
}

/// False: the connection is to be closed.
asio::awaitable<bool> http_server::serve_next(const std::shared_ptr<tcp_connection>& client,
                                              const std::string& who) {
  request_reader reader(limits_.size);
  co_await read(client, reader);
  if (!reader.done() && !reader.failure()) co_return false;
  served_answer answer = co_await answer_to(reader, who);
  const bool stopped = co_await cancelled();
  const request_head& head = reader.head();
  const bool chunked = answer.stream && head.version >= 11;
  const bool closes = stopped || reader.failure() || head.version < 11 || answer.stream ||
                      head.has_token("Connection", "close");
  send_text(*client, head_text(answer, chunked, closes));
  if (answer.stream) {
    co_await stream(client, answer.stream, chunked);
    co_return false;
  }
  send_text(*client, answer.body);
  std::string().swap(answer.body);
  const deadline guard(client, limits_.answer);
  client->flush();
  if (client->unsent() > 0) co_await client->wait_sent();
  client->shrink();
  co_return !closes && !client->send_failed();
}

asio::awaitable<served_answer> http_server::answer_to(request_reader& reader, const std::string& who) {
  if (const auto& failed = reader.failure()) co_return refuse(failed->status, failed->text);
  if (auto refused = refusal_of(reader.head(), hosts_, limits_.own_pages)) co_return std::move(*refused);
  served_request request;
  request.head = std::move(reader.head());
  request.body = std::move(reader.body());
  request.who = who;
  const std::string& target = request.head.target;
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  served_answer answer = co_await handle_(request);
  reader.head() = std::move(request.head);
  co_return answer;
}

namespace {

asio::awaitable<int> write_all(const served_answer::writer& writer, answer_stream& to) {
  co_await writer(to);
  co_return 0;
}

/// Until the client is gone. What it sends meanwhile is of no use.
asio::awaitable<int> watch(std::shared_ptr<tcp_connection> client) {
  bool stopped = co_await cancelled();
  while (!stopped && !client->end_cause()) {
    if (!client->fill()) co_await client->wait_readable();
    client->consume(client->received().size());
    stopped = co_await cancelled();
  }
  co_return 0;
}

}  // namespace

asio::awaitable<void> http_server::stream(const std::shared_ptr<tcp_connection>& client,
                                          const served_answer::writer& writer, bool chunked) {
  answer_stream to(*client, chunked);
  task_group<int> tasks{loop_.get_executor()};
  tasks.spawn(streaming, write_all(writer, to));
  tasks.spawn(watching, watch(client));
  co_await tasks.next();
  co_await tasks.join();
  if (chunked) send_text(*client, "0\r\n\r\n");
}

}  // namespace duplexd::net
