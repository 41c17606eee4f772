#include "daemon/control/health_server.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/control/metrics_page.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/turn_budget.hpp"

namespace duplexd {

namespace {

/// A request has no body, and pages of 1,000 sessions have megabytes: few are made at once.
constexpr net::server_limits health_limits{.size = {.head = std::size_t{8} << 10, .body = 0},
                                           .connections = 16};

net::served_answer json_answer(unsigned status, const nlohmann::ordered_json& what) {
  net::served_answer answer;
  answer.status = status;
  answer.body = what.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return answer;
}

}  // namespace

health_server::health_server(asio::io_context& loop, clock& time, const secret_index& secrets,
                             const config::health_settings& settings, std::string version)
    : loop_(loop),
      time_(time),
      secrets_(secrets),
      listen_(settings.listen.value_or(config::listen_address{})),
      version_(std::move(version)),
      server_(loop, settings.hosts, health_limits,
              [this](const net::served_request& request) { return answer(request); }) {}

std::optional<std::string> health_server::open(session_list sessions) {
  sessions_ = std::move(sessions);
  return server_.listen(listen_);
}

asio::awaitable<net::served_answer> health_server::answer(const net::served_request& request) {
  const bool is_known = request.path == "/livez" || request.path == "/readyz" || request.path == "/metrics";
  if (!is_known) co_return net::refuse(404, "available: /livez, /readyz, /metrics");
  if (request.head.method != "GET") {
    net::served_answer refused = net::refuse(405, "only GET is served");
    refused.headers.emplace_back("Allow", "GET");
    co_return refused;
  }
  // That the loop came to answer is what is asked for.
  if (request.path == "/livez") co_return json_answer(200, {{"alive", true}});
  if (request.path == "/readyz") {
    const readiness verdict = judge_readiness(sessions_, time_.now(), secrets_);
    co_return json_answer(verdict.ready ? 200 : 503, verdict.report);
  }
  net::served_answer page;
  page.type = "text/plain; version=0.0.4; charset=utf-8";
  page.body = co_await render_metrics();
  co_return page;
}

// In portions: other work of the loop goes on in between.
asio::awaitable<std::string> health_server::render_metrics() {
  metrics_page page;
  turn_budget turn{time_};
  const session_list all = sessions_;  // a reload may come in between
  for (const auto& each : all) {
    if (turn.is_over()) {
      co_await asio::post(loop_, asio::deferred);
      turn.begin();
    }
    page.add(*each, time_.now());
    turn.spend(0);
  }
  co_return std::move(page).take(version_);
}

}  // namespace duplexd
