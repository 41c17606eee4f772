#include "daemon/link/http_client.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "daemon/link/cookie_jar.hpp"
#include "daemon/net/connect/connector.hpp"
#include "daemon/net/http/digest.hpp"
#include "daemon/net/http/header_check.hpp"
#include "daemon/net/http/http_exchange.hpp"
#include "daemon/net/http/redirect.hpp"
#include "daemon/net/make_http_client.hpp"
#include "daemon/net/tcp/faults.hpp"

namespace duplexd::net {
namespace {

using clock = std::chrono::steady_clock;
using config::fault_class;
using std::chrono::milliseconds;

milliseconds until(clock::time_point end) {
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(end - clock::now()));
}

/// RFC 9110, 15.4.2 to 15.4.4, as browsers do it.
void forget_body(http_request& request, int status) {
  const bool becomes_get =
      status == 303 ? request.method != "HEAD" : status < 303 && request.method == "POST";
  if (!becomes_get) return;
  request.method = "GET";
  request.body.clear();
  std::erase_if(request.headers, [](const auto& header) {
    return is_same_header(header.first, "content-type") || is_same_header(header.first, "content-encoding") ||
           is_same_header(header.first, "content-language");
  });
}

/// Makes `request` what the redirect asks for, or says why not.
std::optional<fault> redirected(http_request& request, const config::url& first,
                                const http_response& answer) {
  const std::string* header = answer.header("Location");
  const std::string_view location = header == nullptr ? std::string_view() : *header;
  const auto refusal = follow(request, first, location);
  forget_body(request, answer.status);
  if (!refusal) return std::nullopt;
  return make_fault(fault_class::http, "the server answered HTTP " + std::to_string(answer.status) +
                                           ", go to '" + shown_location(location) +
                                           "'; not followed: " + *refusal);
}

/// The request with what is for this server alone.
http_request completed(const http_request& what, const std::optional<std::string>& authorization) {
  http_request made = what;
  if (made.cookies) set_cookies(made.headers, made.cookies->header_for(made.address, std::time(nullptr)));
  if (!authorization) return made;
  std::erase_if(made.headers,
                [](const auto& header) { return is_same_header(header.first, "authorization"); });
  made.headers.emplace_back("Authorization", *authorization);
  return made;
}

/// What answers a Digest challenge of the first server's; nothing if that is not what the answer is.
std::optional<std::string> answer_challenge(const http_request& what, const config::url& first,
                                            const http_response& answer) {
  if (answer.status != 401 || !what.digest || !config::is_same_origin(what.address, first))
    return std::nullopt;
  std::string challenges;
  for (const auto& [name, value] : answer.headers)
    if (is_same_header(name, "www-authenticate")) challenges.append(value).append(", ");
  return answer_digest(challenges, {.method = what.method,
                                    .target = what.address.target,
                                    .username = what.digest->username,
                                    .password = what.digest->password,
                                    .cnonce = make_cnonce()});
}

void note_cookies(const http_request& what, const http_response& answer, bool is_challenge) {
  if (!what.cookies) return;
  const unsigned status = is_challenge ? 0 : static_cast<unsigned>(answer.status);
  what.cookies->note(what.address, status, answer.headers, std::time(nullptr));
}

class socket_http_client final : public http_client {
 public:
  explicit socket_http_client(asio::io_context& loop) : connector_(loop) {}

  /// Follows redirects.
  asio::awaitable<http_result> fetch(http_request what) override {
    const auto end = clock::now() + what.timeout;
    const auto timeouts = what.timeouts;
    const config::url first = what.address;
    std::optional<std::string> authorization;
    for (int redirects = 0;;) {
      if (const auto why = check_request(what)) co_return make_fault(fault_class::http, *why);
      const milliseconds left = until(end);
      what.timeouts.resolve = std::min(timeouts.resolve, left);
      what.timeouts.connect = std::min(timeouts.connect, left);
      what.timeouts.proxy = std::min(timeouts.proxy, left);
      what.timeouts.tls = std::min(timeouts.tls, left);
      auto result = co_await fetch_once(what, authorization, end);
      const auto* answer = std::get_if<http_response>(&result);
      if (answer == nullptr) co_return result;
      auto solved = authorization ? std::nullopt : answer_challenge(what, first, *answer);
      note_cookies(what, *answer, solved.has_value());
      if (solved) {
        authorization = std::move(solved);
        continue;
      }
      authorization.reset();
      if (!is_redirect(answer->status)) co_return result;
      if (redirects++ == most_redirects) {
        co_return make_fault(fault_class::http,
                             "the server redirected more than " + std::to_string(most_redirects) + " times");
      }
      auto failed = redirected(what, first, *answer);
      if (failed) co_return std::move(*failed);
    }
  }

 private:
  asio::awaitable<http_result> fetch_once(const http_request& what,
                                          const std::optional<std::string>& authorization,
                                          clock::time_point end) {
    auto opened = co_await connector_.open(what);
    if (auto* failed = std::get_if<fault>(&opened)) co_return std::move(*failed);
    const auto connection = std::get<std::shared_ptr<tcp_connection>>(std::move(opened));
    const http_request complete = completed(what, authorization);
    auto result = co_await exchange(connection, complete, until(end));
    connection->abort();
    co_return result;
  }

  connector connector_;
};

}  // namespace
}  // namespace duplexd::net

namespace duplexd {

std::unique_ptr<http_client> make_http_client(asio::io_context& loop) {
  return std::make_unique<net::socket_http_client>(loop);
}

}  // namespace duplexd
