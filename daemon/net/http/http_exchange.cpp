#include "daemon/net/http/http_exchange.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <ctime>
#include <utility>

#include "daemon/net/http/answer_reader.hpp"
#include "daemon/net/http/content_encoding.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_answer.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

using config::fault_class;

answer_reader reader_for(const http_request& what) {
  answer_limits limits;
  limits.body = what.largest_answer;
  const bool bodiless = what.method == "HEAD";
  return answer_reader(limits, bodiless ? answer_reader::body_rule::none : answer_reader::body_rule::read);
}

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What the server did wrong.
fault answer_fault(const answer_failure& failure, const std::string& begin) {
  switch (failure.why) {
    case answer_failure::reason::too_large:
      return make_fault(fault_class::http, failure.text);
    case answer_failure::reason::incomplete:
      return make_fault(fault_class::lost, "the server ended the connection in the middle of its answer");
    case answer_failure::reason::malformed:
      break;
  }
  return make_fault(fault_class::http, "the server's answer is not HTTP (" + failure.text +
                                           "), it begins with '" + protocol::printable(begin, 40) + "'");
}

fault end_fault(const tcp_connection& connection, const std::string& begin) {
  const bool tls = connection.tls_failed();
  const std::string hint =
      begin.empty() && !connection.has_tls() ? " (is it an https:// address?)" : std::string();
  return make_fault(tls ? fault_class::tls : fault_class::lost,
                    (tls ? "TLS: " : "") + connection.end_cause().value_or("cancelled") +
                        " before the whole answer was there" + hint);
}

/// Makes the body what the server compressed, or says what is wrong with it.
std::optional<fault> undo_encoding(answer_reader& reader, std::size_t limit) {
  const auto encoding = reader.head().list("Content-Encoding");
  if (!encoding) return std::nullopt;
  switch (decode_content(*encoding, reader.body(), limit)) {
    case decoding::unknown:
      return std::nullopt;
    case decoding::corrupt:
      return make_fault(fault_class::http, "the server's answer cannot be decompressed (" +
                                               protocol::printable(*encoding, 40) + ")");
    case decoding::too_large:
      return make_fault(fault_class::http, "the server's answer, decompressed, is larger than the limit of " +
                                               std::to_string(limit) + " bytes");
    case decoding::done:
      break;
  }
  std::erase_if(reader.head().fields,
                [](const auto& field) { return is_same_header(field.first, "content-encoding"); });
  return std::nullopt;
}

http_response response_of(answer_reader& reader, const config::url& address) {
  http_response made;
  made.status = static_cast<int>(reader.head().status);
  made.headers = std::move(reader.head().fields);
  made.body = std::move(reader.body());
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
    return "'" + protocol::printable(request.method, 40) + "' is not an HTTP method";
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
  if (!has_header(request, "accept-encoding")) add("Accept-Encoding", "identity");
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

  auto reader = reader_for(what);
  for (;;) {
    connection->consume(reader.feed(text_of(connection->received())));
    if (!connection->has_tls() && begins_like_tls(reader.begin()))
      co_return make_fault(fault_class::http,
                           "the server speaks TLS on this port (is it an https:// address?)");
    if (const auto& failed = reader.failure()) co_return answer_fault(*failed, reader.begin());
    if (reader.done()) {
      if (reader.head().status == 101)
        co_return make_fault(fault_class::http, "the server switched to another protocol unasked");
      if (auto failed = undo_encoding(reader, what.largest_answer)) co_return std::move(*failed);
      co_return response_of(reader, what.address);
    }
    if (is_cancelled(state)) co_return make_fault(fault_class::lost, "cancelled");
    if (guard.expired())
      co_return make_fault(fault_class::http, "no whole answer within " + duration_text(what.timeout));
    if (connection->end_cause()) {
      if (connection->tls_failed() || reader.begin().empty())
        co_return end_fault(*connection, reader.begin());
      reader.feed_end();
      continue;
    }
    const bool more = connection->fill();
    if (!more && !connection->end_cause()) co_await connection->wait_readable();
  }
}

}  // namespace duplexd::net
