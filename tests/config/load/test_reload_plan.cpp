// What a reload would do, from two configurations.
#include "config/fields/field.hpp"
#include "config/fields/fields.hpp"
#include "config/load/reload_plan.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using names = std::vector<std::string>;

namespace {

reload_state state(const std::string& text) {
  return state_of(load_good("version: 1\n" + text));
}

constexpr const char* two = R"(
protocols: {p: {replies: [{as: r, layout: 'n:I'}]}}
templates: {t: {parameters: {host: a.test.com}, session: {url: "ws://${param:host}/", protocol: p}}}
sessions:
  a: {template: t}
  b: {url: ws://b.test.com/, linger: 1s}
)";

std::string two_but(const std::string& part, const std::string& other) {
  std::string text = two;
  return text.replace(text.find(part), part.size(), other);
}

}  // namespace

TEST_CASE("comments, places and spelled-out defaults are not a change", "[reload]") {
  const auto plan = plan_reload(
      state(two),
      state("# comment\n\nlog: {level: info}\nconnect: {at_once: 100}\nx-a: 1\n" + std::string(two)));
  CHECK(plan.is_possible());
  CHECK(plan.live.empty());
  CHECK(plan.reconnect.empty());
  CHECK(plan.unchanged == 2);
}

TEST_CASE("sessions come, go, and change by what they are made from", "[reload]") {
  const auto [part, other, reconnect, added, removed, unchanged] =
      GENERATE(table<const char*, const char*, names, names, names, int>({
          {"linger: 1s", "linger: 2s", {"b"}, {}, {}, 1},
          {"replies:", "byte_order: big, replies:", {"a"}, {}, {}, 1},
          {"host: a.test", "host: c.test", {"a"}, {}, {}, 1},
          {"{template: t}", "{template: t, with: {host: d.test.com}}", {"a"}, {}, {}, 1},
          {"{template: t}", "{template: t, with: {host: a.test.com}}", {}, {}, {}, 2},
          {"protocols:", "defaults: {linger: 1s}\nprotocols:", {"a"}, {}, {}, 1},
          {"  a: {template: t}\n", "", {}, {}, {"a"}, 1},
          {"  a: {template: t}\n", "  a: {template: t}\n  c: {template: t}\n", {}, {"c"}, {}, 2},
          {"  b: {", "  c: {", {}, {"c"}, {"b"}, 1},
      }));
  INFO(other);
  const auto plan = plan_reload(state(two), state(two_but(part, other)));
  CHECK(plan.is_possible());
  CHECK(plan.reconnect == reconnect);
  CHECK(plan.added == added);
  CHECK(plan.removed == removed);
  CHECK(plan.unchanged == static_cast<std::size_t>(unchanged));
}

TEST_CASE("what can be taken while the connection stays does not reconnect", "[reload]") {
  const auto [more, reconnects, live] = GENERATE(table<const char*, bool, names>({
      {"limits: {inbox: 1MiB}", false, {"limits.inbox"}},
      {"limits: {message: 1MiB}", true, {}},
      {"limits: {message: 1MiB, inbox: 1MiB}", true, {}},
      {"limits: {}", false, {}},
      {"required: false", false, {"required"}},
      {"lag: {reply: r, field: n}", false, {"lag.field", "lag.reply"}},
      {"lag: {reply: r, field: n}, liveness: {lag: {at_most: 1s}}",
       false,
       {"lag.field", "lag.reply", "liveness.lag.at_most"}},
      {"liveness: {fresh: [{reply: r, within: 1s}], ping_interval: 1s}",
       false,
       {"liveness.fresh", "liveness.ping_interval"}},
      {"liveness: {heartbeat: {every: 1s, json: {a: 1}}}", true, {}},
      {"outputs: [{to: stdout, replies: [r]}]", false, {"outputs"}},
      {"on: [{reply: r, do: [{sleep: 1s}]}]", false, {"on"}},
      {"script: [{sleep: 1s}]", true, {}},
  }));
  INFO(more);
  const auto next = state(two_but("linger: 1s", std::string("linger: 1s, protocol: p, ") + more));
  auto known = state(two_but("linger: 1s", "linger: 1s, protocol: p"));
  const auto plan = plan_reload(known, next);
  names fields;
  for (const std::string& each : live) fields.push_back("sessions.b." + each);
  CHECK(plan.is_possible());
  CHECK(plan.live == fields);
  CHECK(plan.reconnect == (reconnects ? names{"b"} : names{}));
  CHECK(plan.in_place == (live.empty() ? names{} : names{"b"}));
  CHECK(plan.unchanged == (reconnects || !live.empty() ? 1U : 2U));
  known.ended = {"b"};  // it begins again
  CHECK(plan_reload(known, next).reconnect == (reconnects || !live.empty() ? names{"b"} : names{}));
}

TEST_CASE("each handler is told from the others by what it was made from", "[reload]") {
  const auto handlers = [](const std::string& list) {
    return load_good("version: 1\n" + two_but("linger: 1s", "protocol: p, on: [" + list + "]"))
        .sessions.at(1)
        .on;
  };
  const auto before = handlers("{reply: r, do: [{sleep: 1s}]}, {reply: r, do: [{sleep: 2s}]}");
  const auto after = handlers("{reply: r, do: [{sleep: 2s}]}, {do:   [{sleep: 3s}], reply: r}");
  CHECK(before.at(1).digest == after.at(0).digest);
  CHECK(before.at(0).digest != after.at(1).digest);
  CHECK(before.at(0).digest != before.at(1).digest);
}

TEST_CASE("fields of the whole process are taken at once or need a restart", "[reload]") {
  const auto [text, live, refused] = GENERATE(table<const char*, names, names>({
      {"log: {level: debug}", {"log.level"}, {}},
      {"log: {sessions: {a: debug}}", {"log.sessions"}, {}},
      {"log: {format: json}", {}, {"log.format"}},
      {"shutdown: {limit: 3s}", {"shutdown.limit"}, {}},
      {"connect: {at_once: 3}", {}, {"connect.at_once"}},
      {"log: {level: debug, format: json}", {"log.level"}, {"log.format"}},
      {"health: {listen: '127.0.0.1:1'}", {}, {"health"}},
      {"control: {socket: /run/x.sock}", {}, {"control"}},
      {"outputs: {f: {type: file, path: /tmp/x.log}}", {}, {"outputs"}},
  }));
  INFO(text);
  const auto plan = plan_reload(state(two), state(std::string(text) + two));
  CHECK(plan.live == live);
  CHECK(plan.refused == refused);
  CHECK(plan.is_possible() == refused.empty());
  const auto back = plan_reload(state(std::string(text) + two), state(two));
  CHECK(back.live == live);
  CHECK(back.refused == refused);
}

TEST_CASE("an output that changes is named with its field", "[reload]") {
  const std::string before = "outputs: {f: {type: file, path: /tmp/x.log}}";
  const auto plan = plan_reload(state(before + two),
                                state("outputs: {f: {type: file, path: /tmp/y.log}}" + std::string(two)));
  CHECK(plan.refused == names{"outputs.f.path"});
}

}  // namespace duplexd::config
