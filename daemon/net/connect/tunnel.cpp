#include "daemon/net/connect/tunnel.hpp"

#include <boost/asio/this_coro.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/net/connect/socks.hpp"
#include "daemon/net/http/answer_reader.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::net {
namespace {

using config::proxy_server;

/// What went wrong, told behind the proxy's name; empty: nothing did.
using complaint = std::string;

/// Stands for "the answer did not come": the caller finds out why.
constexpr std::string_view no_answer = "no answer";

std::string base64(const std::string& text) {
  std::string out;
  protocol::append_base64(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return out;
}

std::string server_text(const config::url& to) {
  const bool is_address = to.host.find(':') != std::string::npos;
  const std::string host = to.host_without_zone();
  return (is_address ? "[" + host + "]" : host) + ":" + std::to_string(to.port);
}

std::string_view received(const tcp_connection& connection) {
  const auto bytes = connection.received();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void send(tcp_connection& connection, const std::string& text) {
  connection.cork().append(text.data(), text.size());
  connection.flush();
}

/// Waits for further bytes; false if none will come.
asio::awaitable<bool> receive_more(tcp_connection& connection) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (is_cancelled(state)) co_return false;
  if (connection.fill()) co_return true;
  co_await connection.wait_readable();
  const bool got = connection.fill();
  co_return got || !connection.end_cause();
}

/// Takes exactly so many bytes; none if they do not come.
asio::awaitable<std::string> take(tcp_connection& connection, std::size_t size) {
  bool going_on = true;
  while (going_on && connection.received().size() < size) going_on = co_await receive_more(connection);
  if (connection.received().size() < size) co_return std::string();
  std::string bytes(received(connection).substr(0, size));
  connection.consume(size);
  co_return bytes;
}

std::string connect_text(const proxy_server& via, const std::string& server) {
  std::string text = "CONNECT " + server + " HTTP/1.1\r\nHost: " + server + "\r\nUser-Agent: duplexd\r\n";
  if (!via.username.empty())
    text += "Proxy-Authorization: Basic " + base64(via.username + ":" + via.password) + "\r\n";
  return text + "\r\n";
}

complaint complaint_of(const answer_failure& failure, const std::string& begin) {
  complaint text = "answered with something else than HTTP: '" + protocol::printable(begin, 40) + "'";
  if (failure.why == answer_failure::reason::too_large) text += " (" + failure.text + ")";
  return text;
}

complaint complaint_of(const answer_head& head, const proxy_server& via, const std::string& server) {
  if (head.status >= 200 && head.status < 300) return {};
  std::string answer = "HTTP " + std::to_string(head.status);
  if (!head.reason.empty()) answer += " " + protocol::printable(head.reason, 80);
  if (head.status != 407 && head.status != 401) return "did not connect us to " + server + ": " + answer;
  return via.username.empty()
             ? "wants to know who we are: give proxy.username and proxy.password (" + answer + ")"
             : "does not accept proxy.username and proxy.password (" + answer + ")";
}

asio::awaitable<complaint> connect_by_http(tcp_connection& connection, const proxy_server& via,
                                           const config::url& to) {
  const std::string server = server_text(to);
  if (via.username.find(':') != std::string::npos)
    co_return "cannot be told a user name with a colon in it (proxy.username)";
  if (has_control_character(via.username + via.password))
    co_return "cannot be told a user name or password with a line break in it (proxy.username, proxy.password)";
  send(connection, connect_text(via, server));
  answer_limits limits;
  limits.sender = "proxy";
  answer_reader reader(limits, answer_reader::body_rule::none);
  bool going_on = true;
  while (going_on) {
    connection.consume(reader.feed(received(connection)));
    if (reader.done() || reader.failure()) break;
    going_on = co_await receive_more(connection);
  }
  if (reader.begin().empty()) co_return std::string(no_answer);
  reader.feed_end();
  if (const auto& failed = reader.failure()) co_return complaint_of(*failed, reader.begin());
  co_return complaint_of(reader.head(), via, server);
}

asio::awaitable<complaint> connect_by_socks(tcp_connection& connection, const proxy_server& via,
                                            const config::url& to) {
  if (to.host.size() > socks::longest_field) co_return "cannot be asked for a name longer than 255 bytes";
  if (via.username.size() > socks::longest_field || via.password.size() > socks::longest_field)
    co_return "cannot be told a user name or password longer than 255 bytes";
  const auto byte = [](const std::string& from, std::size_t at) {
    return static_cast<std::uint8_t>(from[at]);
  };

  send(connection, socks::greeting(via));
  const std::string method = co_await take(connection, 2);
  if (method.empty()) co_return std::string(no_answer);
  if (byte(method, 0) != socks::version)
    co_return "does not speak SOCKS5: its answer begins with '" + protocol::printable(method, 10) + "'";
  const bool logs_in = byte(method, 1) == socks::username_password && !via.username.empty();
  if (!logs_in && byte(method, 1) != socks::no_authentication) {
    co_return via.username.empty() ? "wants to know who we are: give proxy.username and proxy.password"
                                   : "accepts no login by user name and password";
  }
  if (logs_in) {
    send(connection, socks::login(via));
    const std::string verdict = co_await take(connection, 2);
    if (verdict.empty()) co_return std::string(no_answer);
    if (byte(verdict, 1) != 0) co_return "does not accept proxy.username and proxy.password";
  }

  send(connection, socks::connect_request(to.host_without_zone(), to.port));
  const std::string head = co_await take(connection, 4);
  if (head.empty()) co_return std::string(no_answer);
  if (byte(head, 0) != socks::version) co_return "broke SOCKS5 in its reply";
  if (byte(head, 1) != 0)
    co_return "did not connect us to " + server_text(to) + ": " + socks::reply_text(byte(head, 1));
  std::size_t rest = socks::address_size(byte(head, 3));
  if (byte(head, 3) == socks::name_kind) {
    const std::string length = co_await take(connection, 1);
    if (length.empty()) co_return std::string(no_answer);
    rest = byte(length, 0) + std::size_t{2};
  }
  if (rest == 0) co_return "broke SOCKS5 in its reply";
  const std::string bound = co_await take(connection, rest);
  co_return bound.empty() ? std::string(no_answer) : std::string();
}

}  // namespace

asio::awaitable<std::optional<fault>> open_tunnel(std::shared_ptr<tcp_connection> connection,
                                                  const proxy_server& via, const config::url& to,
                                                  std::chrono::milliseconds limit) {
  const deadline guard(connection, limit);
  complaint found;
  if (via.socks)
    found = co_await connect_by_socks(*connection, via, to);
  else
    found = co_await connect_by_http(*connection, via, to);
  if (guard.expired()) found = "did not answer within " + duration_text(limit);
  if (found == no_answer)
    found = "did not answer: " + connection->end_cause().value_or("the request was cancelled");
  // The server speaks only when spoken to: what is there already comes from somebody else.
  if (found.empty() && !connection->received().empty()) found = "sent more than its answer";
  if (found.empty()) co_return std::nullopt;
  co_return make_fault(config::fault_class::connect, "the proxy " + via.display() + " " + found);
}

}  // namespace duplexd::net
