#include "daemon/app/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>
#include <variant>

#include "daemon/app/daemon_sources.hpp"
#include "daemon/event/describe.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/link/fault_code.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/make_http_client.hpp"
#include "daemon/process/make_program_runner.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

using json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& each : parts) all += (all.empty() ? "" : ", ") + each;
  return all;
}

/// What a phase found out, as a line and as JSON.
struct described {
  std::string text;
  json details;
};

struct describer {
  described operator()(const resolve_details& e) const {
    return {e.host + ": " + joined(e.addresses), {{"host", e.host}, {"addresses", e.addresses}}};
  }
  described operator()(const tcp_details& e) const {
    return {fmt::format("{} from {}", e.remote, e.local), {{"remote", e.remote}, {"local", e.local}}};
  }
  described operator()(const proxy_details& e) const {
    return {fmt::format("{} to {}", e.proxy, e.target), {{"proxy", e.proxy}, {"target", e.target}}};
  }
  described operator()(const tls_details& e) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto days = std::chrono::floor<std::chrono::days>(e.not_after - now).count();
    std::string text = fmt::format("{} {}", e.version, e.cipher);
    if (!e.alpn.empty()) text += ", ALPN " + e.alpn;
    if (e.resumed)
      text += ", resumed";
    else
      text += fmt::format(", {} for {}, {} days left", e.subject, joined(e.names), days);
    text += e.verified || e.resumed ? "" : ", NOT VERIFIED";
    return {std::move(text),
            {{"version", e.version},
             {"cipher", e.cipher},
             {"alpn", e.alpn},
             {"subject", e.subject},
             {"issuer", e.issuer},
             {"names", e.names},
             {"not_after", timestamp(e.not_after)},
             {"days_left", days},
             {"resumed", e.resumed},
             {"verified", e.verified}}};
  }
  // Neither the URL nor where a redirect leads: their queries may hold secrets.
  described operator()(const handshake_details& e) const {
    std::string text = fmt::format("HTTP {}", e.status);
    if (!e.subprotocol.empty()) text += ", subprotocol " + e.subprotocol;
    if (!e.extensions.empty()) text += ", " + e.extensions;
    return {std::move(text),
            {{"http_status", e.status}, {"subprotocol", e.subprotocol}, {"extensions", e.extensions}}};
  }
};

probe_phase phase_of(dial_phase phase) {
  switch (phase) {
    case dial_phase::resolve:
      return probe_phase::dns;
    case dial_phase::tcp:
      return probe_phase::tcp;
    case dial_phase::proxy:
      return probe_phase::proxy;
    case dial_phase::tls:
      return probe_phase::tls;
    case dial_phase::handshake:
      return probe_phase::websocket;
  }
  return probe_phase::websocket;
}

}  // namespace

std::string_view name_of(probe_phase phase) noexcept {
  constexpr std::array<std::string_view, 8> names{"prepare", "dns",       "tcp",   "proxy",
                                                  "tls",     "websocket", "login", "reply"};
  return names[static_cast<std::size_t>(phase)];
}

// Not `once`: the session stays when its script has ended, for the first message may come later.
probe::probe(const config::session_settings& settings)
    : settings_(std::make_shared<config::session_settings>(settings)),
      links_(make_dialer(loop_)),
      http_(make_http_client(loop_)),
      programs_(make_program_runner(loop_.get_executor())),
      sources_(make_byte_sources(loop_.get_executor(), false)),
      session_(settings_, session_context{.loop = loop_.get_executor(),
                                          .links = *this,
                                          .http = *http_,
                                          .programs = *programs_,
                                          .time = time_,
                                          .telemetry = *this,
                                          .random = [] { return 0.5; },
                                          .outputs = {{this}},
                                          .once = false,
                                          .secrets = std::make_shared<secret_holder>(secrets_),
                                          .sources = sources_.get(),
                                          .beside = &calculations_}) {}

probe_report probe::run(std::chrono::milliseconds limit, row_taker taker) {
  taker_ = std::move(taker);
  until_ = time_.now() + limit;
  begin(probe_phase::prepare);
  limit_.expires_after(limit);
  limit_.async_wait([this, limit](const boost::system::error_code& error) {
    if (!error) fail_late(limit);
  });
  std::exception_ptr bug;
  asio::co_spawn(loop_, session_.run(), [&](const std::exception_ptr& error, const session_result&) {
    bug = error;
    limit_.cancel();
  });
  loop_.run();
  if (bug) std::rethrow_exception(bug);
  return std::move(report_);
}

asio::awaitable<dial_result> probe::dial(dial_request request) {
  request.watch = this;
  return links_->dial(std::move(request));
}

void probe::phase_begun(dial_phase phase) {
  begin(phase_of(phase));
}

void probe::phase_done(dial_phase phase, std::chrono::nanoseconds took, const dial_details& details) {
  if (over_) return;
  auto [text, found] = std::visit(describer{}, details);
  add({phase_of(phase), true, took, protocol::one_line(text), std::move(found)});
  begin(probe_phase::websocket);  // what comes next; it says so itself
}

void probe::record(std::string_view, const event& what) {
  if (std::holds_alternative<happening::connected>(what)) {
    begin(settings_->login ? probe_phase::login : probe_phase::reply);
  } else if (std::holds_alternative<happening::login_sent>(what) && !login_is_answered()) {
    succeed("sent; no answer is expected");
    begin(probe_phase::reply);
  } else if (std::holds_alternative<happening::login_accepted>(what)) {
    succeed("accepted");
    begin(probe_phase::reply);
    succeed("the login's answer");
    end();
  } else if (const auto* failed = std::get_if<happening::attempt_failed>(&what)) {
    fail(failed->what);
  } else if (std::holds_alternative<happening::inactive>(what)) {
    fail_inactive(describe(what).message);
  }
}

// What comes before the login has ended is its answer, of which the session is the judge.
void probe::append(const session_event& happened, std::string_view /*record*/) {
  if (over_ || phase_ != probe_phase::reply) return;
  const std::string name{happened.name};
  if (happened.what == session_event::kind::reply)
    succeed(name, {{"reply", name}});
  else
    succeed("a message that no layout fits", {{"reply", nullptr}});
  end();
}

bool probe::login_is_answered() const noexcept {
  return settings_->login && (settings_->login->expect || !settings_->login->steps.empty());
}

void probe::begin(probe_phase phase) {
  phase_ = phase;
  begun_ = time_.now();
}

// That a login was taken is known only when something else follows: its row may yet be replaced.
void probe::add(probe_row row) {
  const bool may_fail_yet = row.phase == probe_phase::login && row.ok && !login_is_answered();
  report_.rows.push_back(std::move(row));
  show(report_.rows.size() - (may_fail_yet ? 1 : 0));
}

void probe::show(std::size_t count) {
  for (; shown_ < count; ++shown_)
    if (taker_) taker_(report_.rows[shown_]);
}

void probe::succeed(std::string text, json details) {
  if (!over_) add({phase_, true, taken(), std::move(text), std::move(details)});
}

void probe::fail(const fault& why) {
  if (over_) return;
  using config::fault_class;
  // A close is how a server rejects a login that it need not answer.
  const bool unanswered = phase_ == probe_phase::reply && settings_->login && !login_is_answered();
  if (unanswered && (why.kind == fault_class::closed || why.kind == fault_class::login_rejected)) {
    phase_ = probe_phase::login;
    report_.rows.pop_back();
  }
  std::string cause = text_of(why);
  secrets_.mask(cause);
  json details{{"class", config::name_of(why.kind)}, {"fault", code_of(why.kind)}, {"cause", cause}};
  if (why.http_status) details["http_status"] = *why.http_status;
  if (why.close_code) details["close_code"] = *why.close_code;
  add({phase_, false, taken(), protocol::one_line(cause) + fmt::format(" [{}]", code_of(why.kind)),
       std::move(details)});
  report_.failed = phase_;
  end();
}

void probe::fail_inactive(const std::string& text) {
  if (over_) return;
  add({phase_, false, taken(), text, {{"class", "inactive"}, {"cause", text}}});
  report_.failed = phase_;
  end();
}

void probe::fail_late(std::chrono::milliseconds limit) {
  if (over_) return;
  const std::string what = phase_ == probe_phase::reply   ? "the server said nothing"
                           : phase_ == probe_phase::login ? "the login was not answered"
                                                          : "not done";
  const std::string text = fmt::format("{} within {} s", what, static_cast<double>(limit.count()) / 1000.0);
  add({phase_, false, taken(), text, {{"class", "timeout"}, {"cause", text}}});
  report_.failed = phase_;
  end();
}

void probe::end() {
  over_ = true;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - time_.now());
  for (std::chrono::milliseconds* each : {&settings_->timeouts.close, &settings_->close.within})
    *each = std::min(*each, std::max(left, least_close));
  session_.stop();
}

}  // namespace duplexd
