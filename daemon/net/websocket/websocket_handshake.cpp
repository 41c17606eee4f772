#include "daemon/net/websocket/websocket_handshake.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <ctime>
#include <limits>
#include <utility>

#include "daemon/link/cookie_jar.hpp"
#include "daemon/link/phase_timer.hpp"
#include "daemon/net/http/answer_reader.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_answer.hpp"
#include "daemon/net/http/redirect.hpp"
#include "daemon/net/http/request_reader.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/websocket/handshake_text.hpp"
#include "daemon/net/websocket/websocket_link.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

std::string_view view(boost::core::string_view text) {
  return {text.data(), text.size()};
}

constexpr std::size_t shown_body = 4096;  ///< so much of a body is waited for
constexpr std::size_t most_of_request = 64 * 1024;

/// What went wrong before the head of an answer was there, from the best witness: TLS, the answer's bytes,
/// the clock, the connection.
fault handshake_fault(const tcp_connection& connection, const answer_reader& reader, const deadline& guard,
                      std::chrono::milliseconds limit) {
  using config::fault_class;
  using reason = answer_failure::reason;
  if (connection.tls_failed())
    return make_fault(fault_class::tls, "TLS: " + connection.end_cause().value_or("cancelled"));
  const std::string begin = "WebSocket handshake: ";
  const auto& failed = reader.failure();
  if (failed && failed->why == reason::too_large) return make_fault(fault_class::http, begin + failed->text);
  const std::string_view hint = connection.has_tls() ? "" : " (is it a wss:// address?)";
  if (!connection.has_tls() && begins_like_tls(reader.begin()))
    return make_fault(fault_class::http, begin + "the server speaks TLS on this port" + std::string(hint));
  if (failed && failed->why == reason::malformed) {
    return make_fault(fault_class::http, begin + "the answer is not HTTP (" + failed->text +
                                             "), it begins with '" + protocol::printable(reader.begin(), 40) +
                                             "'");
  }
  if (guard.expired())
    return make_fault(fault_class::http, begin + "the server did not answer within " + duration_text(limit));
  return make_fault(fault_class::http, begin + connection.end_cause().value_or("cancelled") +
                                           " before it answered" +
                                           std::string(reader.begin().empty() ? hint : ""));
}

/// Reads the head of the answer and, if that is not 101, what is shown of a body.
asio::awaitable<void> read_answer(std::shared_ptr<tcp_connection> connection, answer_reader& reader) {
  const auto state = co_await asio::this_coro::cancellation_state;
  for (;;) {
    const auto there = connection->received();
    connection->consume(reader.feed({reinterpret_cast<const char*>(there.data()), there.size()}));
    if (reader.done() || reader.failure() || reader.body().size() >= shown_body) co_return;
    if (is_cancelled(state)) connection->abort();
    if (connection->end_cause()) co_return reader.feed_end();
    const bool more = connection->fill();
    if (!more && !connection->end_cause()) co_await connection->wait_readable();
  }
}

/// The extensions of a list, whose elements may be empty (RFC 9110, 5.6.1).
std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> found;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    std::string_view each = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (each.find_first_not_of(" \t") != std::string_view::npos) found.emplace_back(each);
  }
  return found;
}

/// What was agreed on, if anything; `why` if it was not offered.
std::optional<deflate_agreement> agreed_compression(const std::string& extensions,
                                                    const handshake_request& wanted, std::string& why) {
  const auto each = elements_of(extensions);
  if (each.empty()) return std::nullopt;
  if (wanted.deflate && each.size() == 1) return read_deflate_answer(each.front(), *wanted.deflate, why);
  why = "the server insists on an extension that was not offered: " + protocol::printable(extensions, 100);
  return std::nullopt;
}

std::unique_ptr<transport> make_link(std::shared_ptr<tcp_connection> connection,
                                     const handshake_request& request,
                                     const std::optional<deflate_agreement>& agreed,
                                     std::string subprotocol) {
  std::unique_ptr<inflater> in;
  std::unique_ptr<deflater> out;
  if (agreed && request.deflate) {
    in = std::make_unique<inflater>(*agreed);
    out = std::make_unique<deflater>(*agreed, *request.deflate);
  }
  const frame_limits limits{.message = request.limits.message, .frame = request.limits.frame};
  return std::make_unique<websocket_link>(
      std::move(connection), frame_reader(endpoint_role::client, limits, std::move(in)),
      frame_writer(endpoint_role::client, std::move(out)), endpoint_role::client, std::move(subprotocol),
      dynamic_cast<ping_observer*>(request.watch));
}

bool is_upgrade(const request_head& request) {
  return request.method == "GET" && request.version == 11 && request.has_token("Connection", "upgrade") &&
         request.has_token("Upgrade", "websocket");
}

std::string value_of(const request_head& request, std::string_view name) {
  const std::string* const value = request.first(name);
  return value == nullptr ? std::string{} : *value;
}

handshake_offer offer_of(const request_head& request) {
  handshake_offer offer{.target = request.target, .upgrade = is_upgrade(request), .subprotocols = {}};
  const std::string names = request.list("Sec-WebSocket-Protocol").value_or("");
  for (const auto& name : http::token_list(names)) offer.subprotocols.emplace_back(view(name));
  return offer;
}

/// Why this cannot be answered by 101, whatever the decision (RFC 6455, 4.2.1); nothing if it can.
std::optional<handshake_answer> request_mistake(const request_head& request) {
  const auto refused = [](unsigned status, std::string why) {
    return handshake_answer{.status = status, .subprotocol = {}, .body = std::move(why)};
  };
  const auto told = [](websocket::error why) { return error_code(why).message(); };
  if (!is_upgrade(request)) return refused(426, "This is a WebSocket server.");
  if (request.first("Host") == nullptr) return refused(400, told(websocket::error::no_host));
  if (value_of(request, "Sec-WebSocket-Version") != "13")
    return refused(426, told(websocket::error::bad_sec_version));
  const std::string key = value_of(request, "Sec-WebSocket-Key");
  if (key.empty()) return refused(400, told(websocket::error::no_sec_key));
  constexpr std::size_t longest_key = 24;  // 16 bytes in base64
  if (key.size() > longest_key) return refused(400, told(websocket::error::bad_sec_key));
  return std::nullopt;
}

/// Reads the head of a request and not further: frames may stand behind it. Says what went wrong.
asio::awaitable<std::string> read_request(std::shared_ptr<tcp_connection> connection,
                                          request_reader& reader) {
  const auto state = co_await asio::this_coro::cancellation_state;
  for (;;) {
    const auto there = connection->received();
    connection->consume(reader.feed({reinterpret_cast<const char*>(there.data()), there.size()}));
    if (const auto& failed = reader.failure()) co_return failed->text;
    if (reader.done()) co_return std::string{};
    if (is_cancelled(state)) connection->abort();
    if (connection->end_cause()) {
      const error_code why = reader.untouched() ? http::error::end_of_stream : http::error::partial_message;
      co_return why.message();
    }
    const bool more = connection->fill();
    if (!more && !connection->end_cause()) co_await connection->wait_readable();
  }
}

void add_cookies(handshake_request& request) {
  if (!request.cookies) return;
  const auto cookies = request.cookies->header_for(request.address, std::time(nullptr));
  set_cookies(request.headers, cookies);
}

void send_text(tcp_connection& connection, const std::string& text) {
  connection.cork().append(text.data(), text.size());
  connection.flush();
}

}  // namespace

std::optional<std::string> check_request(const handshake_request& request) {
  if (has_control_character(request.target) || request.target.find(' ') != std::string::npos)
    return "the url's path has a space or a control character in it: escape it";
  for (const auto& [name, value] : request.headers) {
    switch (http::string_to_field(name)) {
      case http::field::upgrade:
      case http::field::connection:
      case http::field::sec_websocket_key:
      case http::field::sec_websocket_version:
      case http::field::sec_websocket_extensions:
      case http::field::sec_websocket_protocol:
      case http::field::content_length:
      case http::field::transfer_encoding:
        return "the header '" + name + "' belongs to the WebSocket handshake: remove it from headers";
      default:
        break;
    }
    if (auto why = header_mistake(name, value)) return why;
  }
  return std::nullopt;
}

asio::awaitable<handshake_result> handshake_as_client(std::shared_ptr<tcp_connection> connection,
                                                      handshake_request request) {
  const phase_timer phase(request.watch, dial_phase::handshake);
  const deadline guard(connection, request.limit);
  const std::string key = make_websocket_key();
  if (key.empty())
    co_return make_fault(config::fault_class::http, "WebSocket handshake: the system gives no random key");
  add_cookies(request);
  const std::string text = handshake_text(request, key);
  send_text(*connection, text);

  answer_limits answer_size;
  answer_size.body = std::numeric_limits<std::size_t>::max();  // what is not shown is not read
  answer_reader reader(answer_size);
  co_await read_answer(connection, reader);
  if (!reader.head_done()) co_return handshake_fault(*connection, reader, guard, request.limit);
  const answer_head& answer = reader.head();
  const int status = static_cast<int>(answer.status);
  if (request.cookies)
    request.cookies->note(request.address, answer.status, answer.fields, std::time(nullptr));
  if (status != 101) {
    auto failed = fault_of_answer(answer, reader.body(), std::time(nullptr));
    const auto* location = answer.first("Location");
    if (location == nullptr || !is_redirect(status)) co_return std::move(failed);
    phase.done([&] {
      return handshake_details{.status = status, .url = request.shown, .location = shown_location(*location)};
    });
    co_return handshake_redirect{.answer = std::move(failed), .status = status, .location = *location};
  }
  if (const auto why = handshake_mistake(answer, request, key))
    co_return make_fault(config::fault_class::http, "WebSocket handshake: " + *why);
  const std::string extensions = answer.list("Sec-WebSocket-Extensions").value_or("");
  std::string why;
  const auto agreed = agreed_compression(extensions, request, why);
  if (!why.empty()) co_return make_fault(config::fault_class::http, "WebSocket handshake: " + why);
  std::string subprotocol = answer.list("Sec-WebSocket-Protocol").value_or("");
  phase.done([&] {
    return handshake_details{.status = status,
                             .url = request.shown,
                             .subprotocol = subprotocol,
                             .extensions = protocol::printable(extensions, 200)};
  });
  co_return make_link(std::move(connection), request, agreed, std::move(subprotocol));
}

asio::awaitable<dial_result> handshake_as_server(std::shared_ptr<tcp_connection> connection,
                                                 handshake_decision decide, std::chrono::milliseconds limit) {
  const deadline guard(connection, limit);
  request_reader reader({.head = most_of_request}, request_reader::body_rule::none);
  std::string error = co_await read_request(connection, reader);
  if (!error.empty()) {
    if (guard.expired()) error = "no request within " + duration_text(limit);
    co_return make_fault(config::fault_class::http, "WebSocket handshake: " + error);
  }
  const request_head& request = reader.head();
  const auto mistake = request_mistake(request);
  const bool plain = !is_upgrade(request);
  handshake_answer answer;
  if (!mistake || plain) answer = decide(offer_of(request));
  if (mistake && answer.status == 101) answer = *mistake;
  if (answer.status != 101) {
    send_text(*connection, refusal_text(answer));  // or the page that was asked for
    co_await connection->finish(std::chrono::seconds(1));
    co_return make_fault(config::fault_class::http,
                         "refused with HTTP " + std::to_string(answer.status) + ": " + answer.body);
  }
  send_text(*connection, acceptance_text(value_of(request, "Sec-WebSocket-Key"), answer.subprotocol));
  const frame_limits limits{.message = answer.message_limit};
  co_return std::make_unique<websocket_link>(std::move(connection),
                                             frame_reader(endpoint_role::server, limits),
                                             frame_writer(endpoint_role::server), endpoint_role::server);
}

}  // namespace duplexd::net
