// The steps of a flow that ask others than the server.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/link/dial_request.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/link/program_runner.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/script/flow.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

using config::fault_class;
using nlohmann::ordered_json;

namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

std::string too_deep(std::size_t limit) {
  return fmt::format("nested more than {} deep (limits.json_depth)", limit);
}

ordered_json result_of(const http_response& answer, ordered_json body) {
  ordered_json headers = ordered_json::object();
  // A header of several lines is a list of them.
  for (const auto& [name, value] : answer.headers) {
    ordered_json& known = headers[lower(name)];
    if (known.is_null())
      known = value;
    else if (known.is_string())
      known = ordered_json::array({known, value});
    else
      known.push_back(value);
  }
  return {{"status", answer.status}, {"headers", std::move(headers)}, {"body", std::move(body)}};
}

fault status_fault(const http_response& answer, const std::string& shown_url) {
  const bool rejected = answer.status == 401 || answer.status == 403;
  const std::string* wanted = answer.status == 401 ? answer.header("WWW-Authenticate") : nullptr;
  constexpr std::size_t shown = 200;
  const std::string hint =
      wanted == nullptr ? "" : fmt::format(" (WWW-Authenticate: {})", protocol::printable(*wanted, shown));
  return fault{.kind = rejected ? fault_class::login_rejected : fault_class::http,
               .cause = fmt::format("{} answered with status {}{}", shown_url, answer.status, hint),
               .http_status = static_cast<std::uint16_t>(answer.status),
               .retry_after = answer.retry_after};
}

/// Unless the user gave one.
void add_content_type(http_request& request, const char* type) {
  const auto is_given = [](const auto& header) { return lower(header.first) == "content-type"; };
  if (std::ranges::none_of(request.headers, is_given)) request.headers.emplace_back("Content-Type", type);
}

/// The request with every reference read; a fault names the field.
std::variant<http_request, fault> resolve_request(const config::http_step& step,
                                                  const config::session_settings& settings,
                                                  config::scope* inside) {
  const auto secret = [](const std::string& field, const std::string& why) {
    return fault{.kind = fault_class::secret, .cause = fmt::format("http.{}: {}", field, why)};
  };
  http_request request;
  if (auto failed = resolve_server(settings, inside, request)) return *failed;
  const auto url = step.url.resolve(inside);
  if (!url) return secret("url", url.error);
  std::string why;
  const auto address = config::parse_http_url(url.value, why);
  if (!address) return secret("url", why);
  request.address = *address;
  request.method = step.method;
  request.timeout = step.timeout;
  if (step.redirects) request.redirects = *step.redirects;
  if (step.digest) {
    const auto username = step.digest->username.resolve(inside);
    if (!username) return secret("digest.username", username.error);
    const auto password = step.digest->password.resolve(inside);
    if (!password) return secret("digest.password", password.error);
    request.digest = {.username = username.value, .password = password.value};
  }
  request.headers.clear();
  for (const auto& [name, text] : step.headers) {
    const auto value = text.resolve(inside);
    if (!value) return secret("headers." + name, value.error);
    request.headers.emplace_back(name, value.value);
  }
  if (step.json) {
    const auto value = step.json->resolve(inside);
    if (!value) return secret("json", value.error);
    request.body = value.value.dump();
    add_content_type(request, "application/json");
  } else if (step.body) {
    const auto value = step.body->resolve(inside);
    if (!value) return secret("body", value.error);
    request.body = value.value;
    add_content_type(request, "application/x-www-form-urlencoded");
  }
  return request;
}

}  // namespace

asio::awaitable<flow_result> flow::execute(const config::http_step& step) {
  auto request = resolve_request(step, shared_.settings, this);
  if (auto* failed = std::get_if<fault>(&request)) co_return flow_result{.failed = std::move(*failed)};
  auto& what = std::get<http_request>(request);
  what.cookies = shared_.context.cookies;
  auto work = shared_.context.http.fetch(std::move(what));
  auto result = co_await std::move(work);
  const bool given_up = co_await cancelled();
  if (given_up) co_return flow_result{};
  if (auto* failed = std::get_if<fault>(&result)) {
    if (failed->kind != fault_class::http) failed->cause.insert(0, "http: ");
    co_return flow_result{.failed = std::move(*failed)};
  }
  const auto& answer = std::get<http_response>(result);
  if (answer.status >= 400) co_return flow_result{.failed = status_fault(answer, step.url.display())};
  ordered_json body;
  const auto wrong = protocol::parse_json(answer.body, body, json_depth());
  if (wrong && wrong->too_deep)
    co_return flow_result{
        .failed = mishap(fmt::format("the answer of {} is {}", step.url.display(), too_deep(json_depth())))};
  if (wrong) body = answer.body;
  co_return flow_result{.result = result_of(answer, std::move(body))};
}

asio::awaitable<flow_result> flow::execute(const config::exec_step& step) {
  program_request request;
  for (const config::text_template& part : step.program) {
    auto text = part.resolve(this);
    if (!text) co_return flow_result{.failed = mishap(text.error)};
    request.arguments.push_back(std::move(text.value));
  }
  const std::string name = step.program.front().display();
  const auto input = step.input.resolve(this);
  if (!input) co_return flow_result{.failed = mishap(input.error)};
  if (!input.value.is_null()) request.input = input.value.dump() + "\n";
  for (const auto& [variable, value] : step.environment) {
    auto text = value.resolve(this);
    if (!text) co_return flow_result{.failed = mishap(fmt::format("env.{}: {}", variable, text.error))};
    request.environment[variable] = std::move(text.value);
  }
  request.timeout = step.timeout;
  program_result result = co_await shared_.context.programs.run(std::move(request));
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  if (const auto* failed = std::get_if<program_failure>(&result))
    co_return flow_result{.failed = mishap(fmt::format("exec {}: {}", name, failed->why))};
  const auto& output = std::get<std::string>(result);
  if (output.find_first_not_of(" \t\r\n") == std::string::npos) co_return flow_result{};
  ordered_json value;
  if (const auto wrong = protocol::parse_json(output, value, json_depth()))
    co_return flow_result{.failed =
                              mishap(fmt::format("exec {}: its output is {}", name,
                                                 wrong->too_deep ? too_deep(json_depth()) : "not JSON"))};
  co_return flow_result{.result = std::move(value)};
}

}  // namespace duplexd
