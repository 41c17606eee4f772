#include "daemon/net/websocket/websocket_handshake.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <ctime>
#include <tuple>
#include <utility>

#include "daemon/link/phase_timer.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_answer.hpp"
#include "daemon/net/http/redirect.hpp"
#include "daemon/net/tcp/await.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/websocket/websocket_link.hpp"
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

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

void decorate(websocket::request_type& request, const handshake_request& wanted) {
  request.set(http::field::user_agent, "duplexd");
  if (!wanted.subprotocols.empty())
    request.set(http::field::sec_websocket_protocol, joined(wanted.subprotocols));
  if (wanted.deflate) request.set(http::field::sec_websocket_extensions, deflate_offer(*wanted.deflate));
  for (const auto& [name, value] : wanted.headers) request.set(name, value);
}

/// RFC 6455, 4.1 wants another key for each connection. Beast's generator gives each block of 16 words 16
/// times: this takes it to the next one.
void freshen_key() {
  const auto next_word = websocket::detail::make_prng(true);
  for (int i = 0; i < 256; ++i) std::ignore = next_word();
}

/// RFC 6455, 4.1: the server may only agree to what was offered.
std::optional<std::string> objection(const websocket::response_type& answer,
                                     const handshake_request& wanted) {
  const auto chosen = answer.find(http::field::sec_websocket_protocol);
  if (chosen == answer.end()) return std::nullopt;
  const auto& offered = wanted.subprotocols;
  if (std::find(offered.begin(), offered.end(), view(chosen->value())) != offered.end()) return std::nullopt;
  return "the server chose the subprotocol '" + protocol::printable(view(chosen->value()), 100) +
         "', which was not offered";
}

/// What went wrong in the handshake, from the best witness: TLS, the clock, the HTTP answer, the connection.
fault handshake_fault(connection_stream& stream, const error_code& error, const deadline& guard,
                      std::chrono::milliseconds limit) {
  using config::fault_class;
  if (auto answered = fault_of_answer(stream.head(), std::time(nullptr))) return *answered;
  const auto& connection = stream.base();
  if (connection.tls_failed()) return make_fault(fault_class::tls, "TLS: " + *connection.end_cause());
  if (guard.expired()) {
    return make_fault(fault_class::http,
                      "WebSocket handshake: the server did not answer within " + duration_text(limit));
  }
  if (connection.end_cause() && error != http::error::bad_version) {
    return make_fault(fault_class::http,
                      "WebSocket handshake: " + *connection.end_cause() + " before it answered");
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return make_fault(fault_class::http, "WebSocket handshake: the answer is not HTTP (" + error.message() +
                                             "), it begins with '" + protocol::printable(stream.head(), 40) +
                                             "'");
  }
  return make_fault(fault_class::http, "WebSocket handshake: " + error.message());
}

/// The extensions that the server agreed to, as one list (RFC 6455, 9.1).
std::string extensions_of(const websocket::response_type& answer) {
  std::string all;
  const auto [begin, end] = answer.equal_range(http::field::sec_websocket_extensions);
  for (auto field = begin; field != end; ++field) {
    all += all.empty() ? "" : ", ";
    all += view(field->value());
  }
  return all;
}

/// What was agreed on, if anything; `why` if it was not offered.
std::unique_ptr<link_compression> agreed_compression(const std::string& extensions,
                                                     const handshake_request& wanted, std::string& why) {
  if (extensions.empty()) return nullptr;
  if (!wanted.deflate) {
    why = "the server insists on an extension that was not offered: " + protocol::printable(extensions, 100);
    return nullptr;
  }
  const auto agreed = read_deflate_answer(extensions, *wanted.deflate, why);
  if (!agreed) return nullptr;
  return std::make_unique<link_compression>(
      link_compression{.in = inflater(*agreed), .out = deflater(*agreed, *wanted.deflate)});
}

handshake_offer offer_of(const http::request<http::empty_body>& request) {
  handshake_offer offer{.target = std::string(view(request.target())), .subprotocols = {}};
  for (const auto& name : http::token_list(request[http::field::sec_websocket_protocol])) {
    offer.subprotocols.emplace_back(view(name));
  }
  return offer;
}

asio::awaitable<void> refuse(std::shared_ptr<tcp_connection> connection, websocket_stream& stream,
                             handshake_answer answer) {
  auto response = std::make_shared<http::response<http::string_body>>();
  response->version(11);
  response->result(answer.status);
  response->set(http::field::connection, "close");
  response->set(http::field::content_type, "text/plain");
  response->body() = answer.body + "\n";
  response->prepare_payload();
  auto start = [&stream, response](auto handler) {
    http::async_write(
        stream.next_layer(), *response,
        [handler = std::move(handler), response](error_code error, std::size_t) mutable { handler(error); });
  };
  std::ignore = co_await abortable(connection, std::move(start));
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
  auto stream = std::make_unique<websocket_stream>(connection);
  stream->set_option(websocket::stream_base::decorator(
      [&request](websocket::request_type& made) { decorate(made, request); }));
  websocket::response_type answer;
  const phase_timer phase(request.watch, dial_phase::handshake);
  const deadline guard(connection, request.limit);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (is_cancelled(state)) connection->abort();
  freshen_key();
  auto start = [&](auto handler) {
    stream->async_handshake(answer, request.host, request.target, std::move(handler));
  };
  const auto [error] = co_await abortable(connection, std::move(start));
  if (error) {
    auto failed = handshake_fault(stream->next_layer(), error, guard, request.limit);
    auto location = location_of(stream->next_layer().head());
    const int status = failed.http_status.value_or(0);
    if (!location || !is_redirect(status)) co_return std::move(failed);
    phase.done([&] {
      return handshake_details{.status = status, .url = request.shown, .location = shown_location(*location)};
    });
    co_return handshake_redirect{
        .answer = std::move(failed), .status = status, .location = std::move(*location)};
  }
  if (const auto why = objection(answer, request)) {
    co_return make_fault(config::fault_class::http, "WebSocket handshake: " + *why);
  }
  const std::string extensions = extensions_of(answer);
  std::string why;
  auto compression = agreed_compression(extensions, request, why);
  if (!why.empty()) co_return make_fault(config::fault_class::http, "WebSocket handshake: " + why);
  phase.done([&] {
    return handshake_details{.status = 101,
                             .url = request.shown,
                             .subprotocol = std::string(view(answer[http::field::sec_websocket_protocol])),
                             .extensions = protocol::printable(extensions, 200)};
  });
  stream->set_option(websocket::stream_base::decorator([](websocket::request_type&) {}));
  const frame_limits limits{.message = request.limits.message, .frame = request.limits.frame};
  co_return std::make_unique<websocket_link>(connection, std::move(stream), endpoint_role::client, limits,
                                             std::move(compression));
}

asio::awaitable<dial_result> handshake_as_server(std::shared_ptr<tcp_connection> connection,
                                                 handshake_decision decide, std::chrono::milliseconds limit) {
  auto stream = std::make_unique<websocket_stream>(connection);
  const deadline guard(connection, limit);
  beast::flat_buffer buffer;
  http::request_parser<http::empty_body> parser;
  auto read = [&](auto handler) {
    http::async_read_header(
        stream->next_layer(), buffer, parser,
        [handler = std::move(handler)](error_code error, std::size_t) mutable { handler(error); });
  };
  const auto [read_error] = co_await abortable(connection, std::move(read));
  if (read_error) {
    const std::string why =
        guard.expired() ? "no request within " + duration_text(limit) : read_error.message();
    co_return make_fault(config::fault_class::http, "WebSocket handshake: " + why);
  }

  handshake_answer answer{};
  if (websocket::is_upgrade(parser.get())) {
    answer = decide(offer_of(parser.get()));
  } else {
    answer.status = 426;
    answer.body = "This is a WebSocket server.";
  }
  if (answer.status != 101) {
    const std::string why = "refused with HTTP " + std::to_string(answer.status) + ": " + answer.body;
    co_await refuse(connection, *stream, std::move(answer));
    co_await connection->finish(std::chrono::seconds(1));
    co_return make_fault(config::fault_class::http, why);
  }

  stream->set_option(
      websocket::stream_base::decorator([chosen = answer.subprotocol](websocket::response_type& made) {
        made.set(http::field::server, "duplexd simulate");
        if (!chosen.empty()) made.set(http::field::sec_websocket_protocol, chosen);
      }));
  auto accept = [&](auto handler) { stream->async_accept(parser.get(), std::move(handler)); };
  const auto [error] = co_await abortable(connection, std::move(accept));
  if (error) co_return make_fault(config::fault_class::http, "WebSocket handshake: " + error.message());
  const frame_limits limits{.message = answer.message_limit};
  co_return std::make_unique<websocket_link>(connection, std::move(stream), endpoint_role::server, limits);
}

}  // namespace duplexd::net
