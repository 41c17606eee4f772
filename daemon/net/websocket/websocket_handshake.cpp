#include "daemon/net/websocket/websocket_handshake.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <ctime>
#include <limits>
#include <utility>

#include "daemon/link/phase_timer.hpp"
#include "daemon/net/http/answer_reader.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_answer.hpp"
#include "daemon/net/http/redirect.hpp"
#include "daemon/net/tcp/await.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/websocket/handshake_text.hpp"
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

constexpr std::size_t shown_body = 4096;  ///< so much of a body is waited for

/// What went wrong before the head of an answer was there, from the best witness: TLS, the answer's bytes,
/// the clock, the connection.
fault handshake_fault(const tcp_connection& connection, const answer_reader& reader, const deadline& guard,
                      std::chrono::milliseconds limit) {
  using config::fault_class;
  using reason = answer_failure::reason;
  if (connection.tls_failed()) return make_fault(fault_class::tls, "TLS: " + *connection.end_cause());
  const std::string begin = "WebSocket handshake: ";
  if (reader.failure() && reader.failure()->why == reason::too_large)
    return make_fault(fault_class::http, begin + reader.failure()->text);
  if (reader.failure() && reader.failure()->why == reason::malformed) {
    return make_fault(fault_class::http, begin + "the answer is not HTTP (" + reader.failure()->text +
                                             "), it begins with '" + protocol::printable(reader.begin(), 40) +
                                             "'");
  }
  if (guard.expired())
    return make_fault(fault_class::http, begin + "the server did not answer within " + duration_text(limit));
  return make_fault(fault_class::http,
                    begin + connection.end_cause().value_or("cancelled") + " before it answered");
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

/// Beast joins fragments only on a stream that it has opened by a handshake of its own: it has one with us.
void open(websocket_stream& stream) {
  stream.next_layer().answer_with([](const std::string& request) {
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const auto key = std::string_view(request).substr(request.find(name) + name.size());
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           accept_of(key.substr(0, key.find('\r'))) + "\r\n\r\n";
  });
  stream.handshake("localhost", "/");
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
  const phase_timer phase(request.watch, dial_phase::handshake);
  const deadline guard(connection, request.limit);
  const std::string key = make_websocket_key();
  if (key.empty())
    co_return make_fault(config::fault_class::http, "WebSocket handshake: the system gives no random key");
  const std::string text = handshake_text(request, key);
  connection->cork().append(text.data(), text.size());
  connection->flush();

  answer_limits answer_size;
  answer_size.body = std::numeric_limits<std::size_t>::max();  // what is not shown is not read
  answer_reader reader(answer_size);
  co_await read_answer(connection, reader);
  if (!reader.head_done()) co_return handshake_fault(*connection, reader, guard, request.limit);
  const answer_head& answer = reader.head();
  const int status = static_cast<int>(answer.status);
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
  auto compression = agreed_compression(extensions, request, why);
  if (!why.empty()) co_return make_fault(config::fault_class::http, "WebSocket handshake: " + why);
  phase.done([&] {
    return handshake_details{.status = status,
                             .url = request.shown,
                             .subprotocol = answer.list("Sec-WebSocket-Protocol").value_or(""),
                             .extensions = protocol::printable(extensions, 200)};
  });
  auto stream = std::make_unique<websocket_stream>(connection);
  open(*stream);
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
