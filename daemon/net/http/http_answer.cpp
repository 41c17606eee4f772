#include "daemon/net/http/http_answer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "daemon/net/http/redirect.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

constexpr std::size_t shown_of_body = 200;
constexpr std::size_t shown_of_challenge = 200;
constexpr std::int64_t longest_retry =
    24LL * 3600;  ///< a server's wish for years would end the session for good

std::string describe(const answer_head& head, const std::string& body) {
  std::string text = "the server answered HTTP " + std::to_string(head.status);
  if (!head.reason.empty()) text += " " + protocol::printable(head.reason, 80);
  if (const auto* location = head.first("Location")) text += ", go to " + shown_location(*location);
  const auto wanted = head.status == 401 ? head.list("WWW-Authenticate") : std::nullopt;
  if (wanted) text += " (WWW-Authenticate: " + protocol::printable(*wanted, shown_of_challenge) + ")";
  if (!body.empty()) text += ": " + protocol::printable(body, shown_of_body);
  return text;
}

}  // namespace

bool begins_like_tls(std::string_view begin) noexcept {
  return begin.starts_with("\x15\x03");  // RFC 8446, 5.1: alert, version 3.x
}

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

fault fault_of_answer(const answer_head& head, const std::string& body, std::time_t now) {
  const bool rejected = head.status == 401 || head.status == 403;
  fault found = make_fault(rejected ? config::fault_class::login_rejected : config::fault_class::http,
                           describe(head, body));
  found.http_status = static_cast<std::uint16_t>(head.status);
  if (const auto* retry = head.first("Retry-After")) found.retry_after = parse_retry_after(*retry, now);
  return found;
}

}  // namespace duplexd::net
