// What holds when a file says nothing, and that what it says arrives: values in words of their own.
#include "tests/catch.hpp"
#include "tests/config/sections.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

session_settings with(const std::string& lines) {
  return load_good(session_of("    protocol: {commands: {go: 'n:b=1 a:b?=0 b:b?=0'}, replies: [{as: r, "
                              "layout: 'n:b m:b k:b'}]}\n    " +
                              lines + "\n"))
      .sessions.at(0);
}

using list = std::vector<std::string>;

}  // namespace

// The page shows what the table says; this is what a reader of the page expects.
TEST_CASE("each default by its value", "[defaults]") {
  const settings all = load_good("sessions: {s: {url: 'wss://h/'}}");
  CHECK(all.log.format == log_format::automatic);
  CHECK(all.log.level == log_level::info);
  CHECK(all.log.sessions.empty());
  CHECK(all.shutdown_limit.count() == 10'000);
  CHECK(all.connect_at_once == 100);
  CHECK(all.journal.file.empty());
  CHECK(all.journal.size == 1024u << 20);
  CHECK(all.journal.full == journal_policy::block);
  CHECK(all.journal.keep.count() == 0);
  CHECK(all.journal.remember == std::chrono::hours(24));
  CHECK_FALSE(all.health);
  const session_settings& s = all.sessions.at(0);
  CHECK(s.urls.size() == 1);
  CHECK(s.headers.empty());
  CHECK(s.subprotocols.names.empty());
  CHECK_FALSE(s.subprotocols.required);
  CHECK(s.cookies);
  CHECK(s.required);
  CHECK_FALSE(s.tls.ca_file.has_value());
  CHECK(s.tls.verify);
  CHECK_FALSE(s.tls.server_name.has_value());
  CHECK_FALSE(s.tls.cert_file.has_value());
  CHECK_FALSE(s.tls.key_file.has_value());
  CHECK_FALSE(s.tls.key_password.has_value());
  CHECK(s.tls.pins.empty());
  CHECK(s.tls.min_version == tls_version::v1_2);
  CHECK(s.tls.ciphers.empty());
  CHECK(s.tls.ciphersuites.empty());
  CHECK(s.timeouts.resolve.count() == 5'000);
  CHECK(s.timeouts.connect.count() == 10'000);
  CHECK(s.timeouts.tls.count() == 10'000);
  CHECK(s.timeouts.handshake.count() == 10'000);
  CHECK(s.timeouts.login.count() == 10'000);
  CHECK(s.timeouts.close.count() == 5'000);
  CHECK(s.timeouts.proxy.count() == 10'000);
  CHECK(s.timeouts.cleanup.count() == 3'000);
  CHECK(s.reconnect.initial.count() == 1'000);
  CHECK(s.reconnect.maximum.count() == 60'000);
  CHECK(s.reconnect.factor == 2.0);
  CHECK(s.reconnect.jitter == jitter_kind::full);
  CHECK(s.reconnect.stable_after.count() == 30'000);
  CHECK(s.reconnect.fatal.empty());
  CHECK(s.reconnect.faults.empty());
  CHECK(s.liveness.ping_interval.count() == 20'000);
  CHECK(s.liveness.idle_timeout.count() == 60'000);
  CHECK(s.liveness.heartbeat == nullptr);
  CHECK(s.liveness.fresh.empty());
  CHECK(s.liveness.sequence.empty());
  CHECK_FALSE(s.liveness.lag.has_value());
  CHECK_FALSE(s.lag.has_value());
  CHECK(s.limits.message == 16'777'216);
  CHECK(s.limits.frame == 0);
  CHECK(s.limits.json_depth == 64);
  CHECK(s.limits.inbox == 16'777'216);
  CHECK(s.limits.variables == 16'777'216);
  CHECK(s.limits.durable_variables == 65'536);
  CHECK(s.limits.sequences == 4'194'304);
  CHECK(s.limits.calls == 10'000);
  CHECK(s.limits.tasks == 10'000);
  CHECK(s.limits.kdf_iterations == 2'000'000);
  CHECK(s.login == nullptr);
  CHECK(s.rate.messages == 0);
  CHECK(s.rate.per.count() == 1'000);
  CHECK(s.rate.burst == 1);
  CHECK(s.outbox.max == 1'000);
  CHECK(s.outbox.size == 16u << 20);
  CHECK_FALSE(s.outbox.drop_oldest);
  CHECK(s.commands.empty());
  CHECK_FALSE(s.renew.after.has_value());
  CHECK_FALSE(s.renew.at.has_value());
  CHECK(s.renew.margin.count() == 0);
  CHECK(s.active.always());
  CHECK(s.before.empty());
  CHECK(s.subscribe.empty());
  CHECK(s.script.empty());
  CHECK(s.on.empty());
  CHECK(s.linger.count() == 0);
  CHECK(s.close.code == 1'000);
  CHECK(s.close.within.count() == 2'000);
  CHECK(s.close.reason.empty());
  REQUIRE(s.outputs.size() == 1);
  CHECK(s.outputs[0].to == "stdout");
  CHECK(s.outputs[0].replies.empty());
  CHECK(s.outputs[0].where.is_null());
  CHECK(s.outputs[0].record.form == record_form::json);
  CHECK(s.simulate.login.empty());
  CHECK(s.simulate.answers.empty());
  CHECK(s.simulate.pushes.empty());
  CHECK(s.simulate.answer_by_default);
  CHECK_FALSE(s.proxy.has_value());
  CHECK(s.tcp.no_delay);
  CHECK(s.tcp.keepalive.count() == 60'000);
  CHECK(s.tcp.user_timeout.count() == 0);
  CHECK_FALSE(s.deflate.has_value());
}

TEST_CASE("defaults inside of sections that may be left out", "[defaults]") {
  const deflate_settings deflate = with("permessage_deflate: {}").deflate.value();
  CHECK(deflate.enabled);
  CHECK(deflate.server_max_window_bits == 15);
  CHECK(deflate.client_max_window_bits == 15);
  CHECK_FALSE(deflate.server_no_context_takeover);
  CHECK_FALSE(deflate.client_no_context_takeover);
  CHECK(deflate.level == 6);
  CHECK(deflate.threshold == 64);
  const auto liveness =
      with(
          "liveness: {heartbeat: {every: 7s, send: go, expect: r}, fresh: [{reply: r, within: 1s}], "
          "sequence: [{reply: r, field: n}], lag: {at_most: 2s}}\n    lag: {reply: r, field: n}")
          .liveness;
  CHECK(liveness.heartbeat->every.fixed.count() == 7'000);
  CHECK(liveness.heartbeat->expect->timeout.count() == 10'000);
  CHECK(liveness.heartbeat->action == liveness_action::reconnect);
  CHECK(liveness.fresh.at(0).action == liveness_action::log);
  CHECK(liveness.sequence.at(0).action == liveness_action::log);
  CHECK(liveness.sequence.at(0).key.empty());
  CHECK_FALSE(liveness.sequence.at(0).durable);
  CHECK(liveness.lag.value().at_most.count() == 2'000);
  CHECK(liveness.lag.value().action == liveness_action::log);
  CHECK(with("lag: {reply: r, field: n}").lag == lag_settings{"r", "n", protocol::time_unit::ms});
  CHECK_FALSE(with("liveness: {heartbeat: {every: 1s, json: 1}}").liveness.heartbeat->expect.has_value());
  const command_settings command = with("commands: {go: {confirm: r}}").commands.at("go");
  CHECK_FALSE(command.idempotent);
  CHECK(command.rate.messages == 0);
  CHECK(command.offline == offline_policy::fail);
  CHECK_FALSE(command.durable);
  CHECK(command.ttl.count() == 30'000);
  CHECK_FALSE(command.coalesces);
  CHECK(command.coalesce.empty());
  CHECK(command.confirm->timeout.count() == 10'000);
  CHECK_FALSE(with("commands: {go: {}}").commands.at("go").confirm.has_value());
  const fault_rule rule = with("reconnect: {faults: [{on: [tls]}]}").reconnect.faults.at(0);
  CHECK_FALSE(rule.initial.has_value());
  CHECK_FALSE(rule.maximum.has_value());
  CHECK_FALSE(rule.factor.has_value());
  CHECK_FALSE(rule.jitter.has_value());
  CHECK_FALSE(rule.give_up_after.has_value());
  CHECK_FALSE(rule.exit_code.has_value());
  CHECK_FALSE(rule.on.at(0).low.has_value());
  const simulate_push push = with("simulate: {pushes: [{send: r}]}").simulate.pushes.at(0);
  CHECK(push.after.count() == 0);
  CHECK(push.every.count() == 0);
  const auto login = with("login: {json: 1}").login;
  CHECK_FALSE(login->expect.has_value());
  CHECK_FALSE(login->send.has_value());
  CHECK(login->steps.empty());
  CHECK(login->reject.empty());
  CHECK_FALSE(with("proxy: {url: 'http://p:1'}").proxy->from_env);
}

// No two values are equal, so that one in another's place is seen.
TEST_CASE("each value arrives in its own place", "[defaults]") {
  const timeout_settings timeouts = with(
                                        "timeouts: {resolve: 1ms, connect: 2ms, tls: 3ms, handshake: 4ms, "
                                        "login: 5ms, close: 6ms, proxy: 7ms, cleanup: 8ms}")
                                        .timeouts;
  CHECK(timeouts.resolve.count() == 1);
  CHECK(timeouts.connect.count() == 2);
  CHECK(timeouts.tls.count() == 3);
  CHECK(timeouts.handshake.count() == 4);
  CHECK(timeouts.login.count() == 5);
  CHECK(timeouts.close.count() == 6);
  CHECK(timeouts.proxy.count() == 7);
  CHECK(timeouts.cleanup.count() == 8);
  const reconnect_settings reconnect =
      with(
          "reconnect: {initial: 1ms, maximum: 2ms, factor: 3, jitter: half, stable_after: 4ms, fatal: "
          "[lost], "
          "faults: [{on: [http:500-599, 'closed:4001', tls], initial: 5ms, maximum: 6ms, factor: 7, jitter: "
          "none, give_up_after: 8, exit_code: 9}]}")
          .reconnect;
  CHECK(reconnect.initial.count() == 1);
  CHECK(reconnect.maximum.count() == 2);
  CHECK(reconnect.factor == 3);
  CHECK(reconnect.jitter == jitter_kind::half);
  CHECK(reconnect.stable_after.count() == 4);
  CHECK(reconnect.fatal == std::set{fault_class::lost});
  const fault_rule& rule = reconnect.faults.at(0);
  REQUIRE(rule.on.size() == 3);
  CHECK(rule.on[0].kind == fault_class::http);
  CHECK(rule.on[0].low == 500);
  CHECK(rule.on[0].high == 599);
  CHECK(rule.on[1].kind == fault_class::closed);
  CHECK(rule.on[1].low == 4001);
  CHECK(rule.on[1].high == 4001);
  CHECK(rule.on[2].kind == fault_class::tls);
  CHECK_FALSE(rule.on[2].low.has_value());
  CHECK(rule.initial->count() == 5);
  CHECK(rule.maximum->count() == 6);
  CHECK(rule.factor == 7);
  CHECK(rule.jitter == jitter_kind::none);
  CHECK(rule.give_up_after == 8);
  CHECK(rule.exit_code == 9);
  const deflate_settings deflate =
      with(
          "permessage_deflate: {enabled: false, server_max_window_bits: 9, client_max_window_bits: 10, "
          "server_no_context_takeover: true, level: 3, threshold: 5}")
          .deflate.value();
  CHECK_FALSE(deflate.enabled);
  CHECK(deflate.server_max_window_bits == 9);
  CHECK(deflate.client_max_window_bits == 10);
  CHECK(deflate.server_no_context_takeover);
  CHECK_FALSE(deflate.client_no_context_takeover);
  CHECK(deflate.level == 3);
  CHECK(deflate.threshold == 5);
  CHECK(with("permessage_deflate: {client_no_context_takeover: true}").deflate->client_no_context_takeover);
  const limit_settings limits = with(
                                    "limits: {message: 1KiB, frame: 2KB, json_depth: 5, inbox: 2KiB, "
                                    "variables: 3KiB, durable_variables: 99, sequences: 4KiB, calls: 6, "
                                    "tasks: 7, kdf_iterations: 70000}")
                                    .limits;
  CHECK(limits.message == 1'024);
  CHECK(limits.frame == 2'000);
  CHECK(limits.json_depth == 5);
  CHECK(limits.inbox == 2048);
  CHECK(limits.variables == 3072);
  CHECK(limits.durable_variables == 99);
  CHECK(limits.sequences == 4096);
  CHECK(limits.calls == 6);
  CHECK(limits.tasks == 7);
  CHECK(limits.kdf_iterations == 70'000);
  const tcp_settings tcp = with("tcp: {no_delay: false, keepalive: 1s, user_timeout: 2s}").tcp;
  CHECK_FALSE(tcp.no_delay);
  CHECK(tcp.keepalive.count() == 1'000);
  CHECK(tcp.user_timeout.count() == 2'000);
  const tls_settings tls =
      with(
          "tls: {ca_file: /a, cert_file: /b, key_file: /c, key_password: d, server_name: e, ciphers: f, "
          "ciphersuites: g}")
          .tls;
  CHECK(tls.ca_file->display() == "/a");
  CHECK(tls.cert_file->display() == "/b");
  CHECK(tls.key_file->display() == "/c");
  CHECK(tls.key_password->display() == "d");
  CHECK(tls.server_name == "e");
  CHECK(tls.ciphers == "f");
  CHECK(tls.ciphersuites == "g");
  const proxy_settings proxy = with("proxy: {url: 'http://p:1', username: a, password: b}").proxy.value();
  CHECK(proxy.username->display() == "a");
  CHECK(proxy.password->display() == "b");
}

TEST_CASE("commands, clocks and simulation arrive in their places", "[defaults]") {
  const session_settings s = with(
      "commands: {go: {idempotent: true, rate: {messages: 1.5, per: 2s, burst: 3}, offline: queue, ttl: 4s, "
      "coalesce: [a, b], confirm: [r], where: {n: 1}, correlate: {n: m}, timeout: 5s}}\n"
      "    rate: {messages: 6, per: 7s, burst: 8}\n"
      "    outbox: {max: 9, size: 2KiB, drop_oldest: true}\n"
      "    renew: {after: 10s, at: '11', margin: 9s}\n"
      "    active: {time_zone: Europe/Berlin, windows: ['10:00-11:00']}\n"
      "    on: [{reply: [r], where: {n: 2}, do: {sleep: 13s}}]\n"
      "    subscribe: {sleep: 14s}\n"
      "    before: {sleep: 15s}\n"
      "    login: {steps: {sleep: 16s}, expect: r, where: {n: 3}, reject: r}\n"
      "    liveness:\n"
      "      heartbeat: {every: 17s, json: 1, expect: r, where: {n: 4}, timeout: 18s, action: log}\n"
      "      fresh: [{reply: r, within: 19s, action: reconnect}]\n"
      "      sequence: [{reply: r, field: n, key: [k], action: resubscribe}]\n"
      "      lag: {at_most: 22s, action: reconnect}\n"
      "    lag: {reply: r, field: n, unit: us}\n"
      "    simulate: {pushes: [{send: r, with: {n: 5}, after: 20s, every: 21s}]}");
  const command_settings& command = s.commands.at("go");
  CHECK(command.idempotent);
  CHECK(command.rate.messages == 1.5);
  CHECK(command.rate.per.count() == 2'000);
  CHECK(command.rate.burst == 3);
  CHECK(command.offline == offline_policy::queue);
  CHECK(command.ttl.count() == 4'000);
  CHECK(command.coalesces);
  CHECK(command.coalesce == list{"a", "b"});
  CHECK(command.confirm->replies == list{"r"});
  CHECK(command.confirm->where.unresolved().dump() == R"({"n":1})");
  CHECK(command.confirm->correlate.at(0) == std::pair<std::string, std::string>{"n", "m"});
  CHECK(command.confirm->timeout.count() == 5'000);
  CHECK(s.rate.messages == 6);
  CHECK(s.rate.per.count() == 7'000);
  CHECK(s.rate.burst == 8);
  CHECK(s.outbox.max == 9);
  CHECK(s.outbox.size == 2048);
  CHECK(s.outbox.drop_oldest);
  CHECK(s.renew.after->fixed.count() == 10'000);
  CHECK(s.renew.at->display() == "11");
  CHECK(s.renew.margin.count() == 9'000);
  using namespace std::chrono;
  CHECK(s.active.holds(sys_days{2026y / November / 16} + hours{9}));
  CHECK_FALSE(s.active.holds(sys_days{2026y / November / 16} + hours{10}));
  const auto sleep_of = [](const step_list& steps) {
    return std::get<sleep_step>(steps.at(0).action).time.fixed.count();
  };
  REQUIRE(s.on.size() == 1);
  CHECK(s.on[0].replies == list{"r"});
  CHECK(s.on[0].where.unresolved().dump() == R"({"n":2})");
  CHECK(sleep_of(s.on[0].body) == 13'000);
  CHECK(sleep_of(s.subscribe) == 14'000);
  CHECK(sleep_of(s.before) == 15'000);
  CHECK(sleep_of(s.login->steps) == 16'000);
  CHECK(s.login->expect->replies == list{"r"});
  CHECK(s.login->expect->check.unresolved().dump() == R"({"n":3})");
  CHECK(s.login->expect->timeout.count() == 10'000);
  CHECK(s.login->reject == list{"r"});
  const heartbeat_settings& beat = *s.liveness.heartbeat;
  CHECK(beat.every.fixed.count() == 17'000);
  CHECK(std::get<json_template>(beat.message).unresolved() == 1);
  CHECK(beat.expect->where.unresolved().dump() == R"({"n":4})");
  CHECK(beat.expect->timeout.count() == 18'000);
  CHECK(beat.action == liveness_action::log);
  CHECK(s.liveness.fresh.at(0).reply == "r");
  CHECK(s.liveness.fresh[0].within.count() == 19'000);
  CHECK(s.liveness.fresh[0].action == liveness_action::reconnect);
  CHECK(s.liveness.sequence.at(0).reply == "r");
  CHECK(s.liveness.sequence[0].field == "n");
  CHECK(s.liveness.sequence[0].key == list{"k"});
  CHECK(s.liveness.sequence[0].action == liveness_action::resubscribe);
  CHECK(s.liveness.lag.value().at_most.count() == 22'000);
  CHECK(s.liveness.lag.value().action == liveness_action::reconnect);
  CHECK(s.lag == lag_settings{"r", "n", protocol::time_unit::us});
  const simulate_push& push = s.simulate.pushes.at(0);
  CHECK(push.reply == "r");
  CHECK(push.with.unresolved().dump() == R"({"n":5})");
  CHECK(push.after.count() == 20'000);
  CHECK(push.every.count() == 21'000);
  CHECK(with("commands: {go: {coalesce: []}}").commands.at("go").coalesces);
  CHECK(std::get<send_step>(with("liveness: {heartbeat: {every: 1s, send: go}}").liveness.heartbeat->message)
            .command == "go");
}

}  // namespace duplexd::config::testing
