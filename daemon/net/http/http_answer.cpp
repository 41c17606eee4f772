#include "daemon/net/http/http_answer.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <cstdint>
#include <limits>

#include "daemon/net/http/redirect.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t shown_of_body = 200;
constexpr std::int64_t longest_retry =
    24LL * 3600;  ///< a server's wish for years would end the session for good

std::string describe(const http::response<http::string_body>& answer) {
  const std::string_view reason(answer.reason().data(), answer.reason().size());
  std::string text = "the server answered HTTP " + std::to_string(answer.result_int());
  if (!reason.empty()) text += " " + protocol::printable(reason, 80);
  if (const auto location = answer.find(http::field::location); location != answer.end()) {
    text += ", go to " + shown_location({location->value().data(), location->value().size()});
  }
  if (!answer.body().empty()) text += ": " + protocol::printable(answer.body(), shown_of_body);
  return text;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, std::time_t now) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc::result_out_of_range) return std::nullopt;
  if (error != std::errc() || end != value.data() + value.size()) {
    std::tm parts{};
    const std::string date(value);
    const char* rest = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    seconds = std::max<std::int64_t>(timegm(&parts) - now, 0);
  }
  if (seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, longest_retry));
}

std::optional<std::string> location_of(const std::string& bytes) {
  http::response_parser<http::string_body> parser;
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes), error);
  if (!parser.is_header_done()) return std::nullopt;
  const auto found = parser.get().find(http::field::location);
  if (found == parser.get().end()) return std::nullopt;
  return std::string(found->value().data(), found->value().size());
}

std::optional<fault> fault_of_answer(const std::string& bytes, std::time_t now) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes), error);
  if (!parser.is_header_done()) return std::nullopt;
  const auto& answer = parser.get();
  const unsigned status = answer.result_int();
  if (status == 101) return std::nullopt;

  const bool rejected = status == 401 || status == 403;
  fault found = make_fault(rejected ? config::fault_class::login_rejected : config::fault_class::http,
                           describe(answer));
  found.http_status = static_cast<std::uint16_t>(status);
  if (const auto retry = answer.find(http::field::retry_after); retry != answer.end()) {
    found.retry_after = parse_retry_after({retry->value().data(), retry->value().size()}, now);
  }
  return found;
}

}  // namespace duplexd::net
