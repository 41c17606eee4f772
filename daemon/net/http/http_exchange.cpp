#include "daemon/net/http/http_exchange.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <ctime>
#include <utility>

#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_answer.hpp"
#include "daemon/net/tcp/await.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using config::fault_class;
using answer_parser = http::response_parser<http::string_body>;

constexpr std::uint32_t largest_head = 64 * 1024;

std::unique_ptr<answer_parser> new_parser(const http_request& what) {
  auto made = std::make_unique<answer_parser>();
  made->eager(true);
  made->header_limit(largest_head);
  made->body_limit(what.largest_answer);
  made->skip(what.method == "HEAD");
  return made;
}

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What the server did wrong.
fault answer_fault(const error_code& error, const http_request& what, const std::string& begin) {
  if (error == http::error::body_limit) {
    return make_fault(fault_class::http, "the server's answer is larger than the limit of " +
                                             std::to_string(what.largest_answer) + " bytes");
  }
  if (error == http::error::header_limit) {
    return make_fault(fault_class::http, "the head of the server's answer is larger than the limit of " +
                                             std::to_string(largest_head) + " bytes");
  }
  if (error == http::error::partial_message)
    return make_fault(fault_class::lost, "the server ended the connection in the middle of its answer");
  return make_fault(fault_class::http, "the server's answer is not HTTP (" + error.message() +
                                           "), it begins with '" + protocol::printable(begin, 40) + "'");
}

fault end_fault(const tcp_connection& connection) {
  const bool tls = connection.tls_failed();
  return make_fault(tls ? fault_class::tls : fault_class::lost,
                    (tls ? "TLS: " : "") + *connection.end_cause() + " before the whole answer was there");
}

http_response response_of(answer_parser& parser, const config::url& address) {
  auto answer = parser.release();
  http_response made;
  made.status = static_cast<int>(answer.result_int());
  for (const auto& each : answer) {
    made.headers.emplace_back(std::string(each.name_string().data(), each.name_string().size()),
                              std::string(each.value().data(), each.value().size()));
  }
  made.body = std::move(answer.body());
  made.address = address;
  if (const auto* wish = made.header("Retry-After"))
    made.retry_after = parse_retry_after(*wish, std::time(nullptr));
  return made;
}

bool has_header(const http_request& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const auto& header) { return is_same_header(header.first, name); });
}

}  // namespace

std::optional<std::string> check_request(const http_request& request) {
  if (header_mistake(request.method, ""))
    return "'" + protocol::printable(request.method, 40) + "' is no HTTP method";
  if (has_control_character(request.address.target) || request.address.target.find(' ') != std::string::npos)
    return "the URL's path has a space or a control character in it: escape it";
  for (const auto& [name, value] : request.headers) {
    for (const std::string_view own :
         {"host", "connection", "content-length", "transfer-encoding", "upgrade", "expect", "te"})
      if (is_same_header(name, own)) return "the header '" + name + "' cannot be set";
    if (auto why = header_mistake(name, value)) return why;
  }
  return std::nullopt;
}

std::string request_text(const http_request& request) {
  std::string text = request.method + ' ' + request.address.target + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", request.address.authority());
  if (!has_header(request, "user-agent")) add("User-Agent", "duplexd");
  if (!has_header(request, "accept")) add("Accept", "*/*");
  for (const auto& [name, value] : request.headers) add(name, value);
  const bool usually_has_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || usually_has_body) add("Content-Length", std::to_string(request.body.size()));
  add("Connection", "close");
  return text.append("\r\n").append(request.body);
}

asio::awaitable<http_result> exchange(std::shared_ptr<tcp_connection> connection, const http_request& what,
                                      std::chrono::milliseconds limit) {
  const deadline guard(connection, limit);
  const auto state = co_await asio::this_coro::cancellation_state;
  const std::string request = request_text(what);
  connection->cork().append(request.data(), request.size());
  connection->flush();

  auto parser = new_parser(what);
  std::string begin;  // for an error message
  for (;;) {
    const auto there = connection->received();
    if (begin.size() < 64) begin.append(text_of(there.first(std::min<std::size_t>(there.size(), 64))));
    error_code error;
    if (!there.empty()) connection->consume(parser->put(asio::buffer(there.data(), there.size()), error));
    if (error == http::error::need_more) error = {};
    if (error) co_return answer_fault(error, what, begin);
    if (parser->is_done()) {
      const unsigned status = parser->get().result_int();
      if (status >= 200) co_return response_of(*parser, what.address);
      if (status == 101)
        co_return make_fault(fault_class::http, "the server switched to another protocol unasked");
      parser = new_parser(what);  // 100 or 103: the answer comes behind it
      continue;
    }
    if (is_cancelled(state)) co_return make_fault(fault_class::lost, "cancelled");
    if (guard.expired())
      co_return make_fault(fault_class::http, "no whole answer within " + duration_text(what.timeout));
    if (connection->end_cause()) {
      if (!connection->tls_failed() && parser->got_some()) parser->put_eof(error);
      if (error) co_return answer_fault(error, what, begin);
      if (parser->is_done()) continue;
      co_return end_fault(*connection);
    }
    const bool more = connection->fill();
    if (!more && !connection->end_cause()) co_await connection->wait_readable();
  }
}

}  // namespace duplexd::net
