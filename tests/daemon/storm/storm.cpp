#include "tests/daemon/storm/storm.hpp"

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace duplexd::test {

using namespace std::chrono_literals;
using config::fault_class;

namespace {

const char* const storm_yaml = R"(
version: 1
sessions:
  storm:
    url: wss://storm.example/
    protocol:
      byte_order: little
      commands:
        hello: 'opcode:B=1'
        order: 'opcode:B=2 id:I'
        note: 'opcode:B=3 id:I'
        quote: 'opcode:B=4 id:I symbol:B'
      replies:
        - {as: done, when: {size: 5}, layout: 'opcode:B id:I'}
        - {as: welcome, when: {size: 1}, layout: 'opcode:B'}
        - {as: news, when: {size: 9}, layout: 'opcode:B n:I rest:I'}
    login: {json: {user: storm}, expect: welcome}
    outbox: {max: 20}
    commands:
      order: {offline: queue, ttl: 40s, confirm: done, correlate: {id: id}, timeout: 8s}
      quote: {offline: queue, ttl: 5s, coalesce: [symbol]}
    script:
      - every: 3s
        do: [{send: hello}]
    timeouts: {login: 5s, close: 2s}
    reconnect: {initial: 500ms, maximum: 10s}
    liveness: {ping_interval: 5s, idle_timeout: 15s, sequence: [{reply: news, field: n}]}
    outputs: [stdout]
)";

constexpr std::uint64_t most_steps = 200'000;  // a run needs a few hundred: more is a loop without end

message done(std::uint32_t id) {
  std::string bytes(5, '\x65');
  std::memcpy(bytes.data() + 1, &id, sizeof id);
  return binary(std::move(bytes));
}

message news(std::uint32_t number) {
  std::string bytes(9, '\x66');
  std::memcpy(bytes.data() + 1, &number, sizeof number);
  return binary(std::move(bytes));
}

asio::awaitable<void> after(clock& time, clock::duration delay, std::function<void()> what) {
  const bool in_time = co_await time.sleep_for(delay);
  if (in_time) what();
}

}  // namespace

storm::storm(const plan& how)
    : how_(how), random_(how.seed), play_(storm_yaml), links_(play_.time, [this] { return next_dial(); }) {
  const session_context context{.loop = play_.loop.get_executor(),
                                .links = links_,
                                .http = play_.http,
                                .programs = play_.programs,
                                .time = play_.time,
                                .telemetry = telemetry_,
                                .random = [this] { return std::uniform_real_distribution<>{}(random_); },
                                .outputs = {{&play_.out}},
                                .once = false};
  play_.session = std::make_unique<session>(
      std::make_shared<const config::session_settings>(play_.settings.sessions.at(0)), context);
}

void storm::run() {
  while (play_.time.now() < clock::time_point{} + 60s) {
    play_.run_for(up_to(2s));
    kept_.require(!play_.result, "no fault ends the session");
    if (play_.result) return;
    submit_something();
    play_.run_for(0s);
    kept_.check_rest(play_.out.lines);
  }
  calm_ = true;
  stormy_steps_ = steps_;
  play_.run_for(60s);
  kept_.check_rest(play_.out.lines);
  kept_.require(play_.session->state() == link_state::open, "after the storm the session is connected again");
  const auto last = submit(promises::kind::order);
  play_.run_for(10s);
  kept_.check_rest(play_.out.lines);
  kept_.require(last->state == command_state::confirmed, "after the storm commands get through again");

  kept_.stops();
  play_.session->stop();
  play_.run_for(20s);
  kept_.require(play_.result.has_value(), "a stopped session ends");
  if (play_.result) kept_.require(!play_.result->fatal, "a stopped session ends without a fault");
  kept_.check_rest(play_.out.lines);
  kept_.check_ends();
}

clock::duration storm::up_to(clock::duration most) {
  return clock::duration{std::uniform_int_distribution<clock::duration::rep>{1, most.count()}(random_)};
}

void storm::later(clock::duration delay, std::function<void()> what) {
  asio::co_spawn(play_.loop, after(play_.time, delay, std::move(what)), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

// The commands of a user, at any time, each with an id of its own.
void storm::submit_something() {
  const unsigned burst = chance(0.05) ? 30 : 1;
  using enum promises::kind;
  for (unsigned i = 0; i < burst; ++i) submit(chance(0.6) ? order : chance(0.5) ? note : quote);
}

std::shared_ptr<const submission> storm::submit(promises::kind what) {
  constexpr const char* names[] = {"order", "note", "quote"};
  const std::uint32_t id = ++last_id_;
  const std::uint32_t symbol = id % 3;
  nlohmann::ordered_json values{{"id", id}};
  if (what == promises::kind::quote) values["symbol"] = symbol;
  kept_.submits(id, what, symbol);
  return play_.session->submit(names[static_cast<int>(what)], values,
                               [this, id](const submission& now) { kept_.changed(id, now); });
}

stormy_dial storm::next_dial() {
  stormy_dial made;
  if (stormy() && chance(0.3)) {
    made.takes = chance(0.2) ? up_to(8s) : up_to(50ms);
    made.failed = any_fault();
    kept_.dials(made.failed);
    return made;
  }
  kept_.dials(std::nullopt);
  made.takes = stormy() && chance(0.2) ? up_to(8s) : 20ms;
  made.wire = make_link();
  return made;
}

fault storm::any_fault() {
  constexpr fault_class kinds[] = {fault_class::resolve, fault_class::connect, fault_class::tls,
                                   fault_class::http, fault_class::login_rejected};
  fault made{.kind = kinds[random_() % std::size(kinds)], .cause = "the storm"};
  if (made.kind == fault_class::http) made.http_status = chance(0.5) ? 503 : 429;
  if (made.kind == fault_class::http && chance(0.3)) made.retry_after = 3s;
  return made;
}

std::shared_ptr<stormy_wire> storm::make_link() {
  peer& at = peers_.emplace_back();
  at.wire = std::make_shared<stormy_wire>(play_.loop.get_executor(), play_.time);
  stormy_wire& wire = *at.wire;
  wire.opened = [this](const stormy_wire& open) { kept_.opened(open); };
  wire.put = [this](const message& what) { kept_.put(what); };
  wire.taken = [this](const message& what) { kept_.taken(what); };
  wire.heard = [this](const message& what) { kept_.heard(what); };
  wire.ping = [this] { kept_.put_ping(); };
  wire.arrive = [this, &at](const message& what) { serve(at, what); };
  wire.step = [this, &wire] { count_step(wire); };
  wire.answers_close = !stormy() || chance(0.8);
  if (stormy()) brew(at);
  return at.wire;
}

void storm::count_step(stormy_wire& on) {
  if (++steps_ == most_steps) throw std::logic_error("I/O without an end");
  if (!calm_ && steps_ == how_.reset_at) on.end({std::nullopt, fault{.cause = "reset"}});
}

// What befalls an open link, each after a while.
void storm::brew(peer& at) {
  if (chance(0.7)) later(up_to(30s), [this, &at] { end(at); });
  if (chance(0.15)) later(up_to(20s), [this, &at] { at.wire->alive = calm_ && at.wire->alive; });
  if (chance(0.3)) {
    const auto begin = up_to(15s);
    later(begin, [this, &at] { at.wire->take_bytes(calm_); });
    later(begin + up_to(12s), [&at] { at.wire->take_bytes(true); });
  }
  if (chance(0.2)) later(up_to(10s), [&at] { at.wire->say(binary("\x07 nothing that we know")); });
  if (chance(0.4)) feed(at, random_() % 2 == 0 ? 0 : 4'000'000'000);
}

// News are numbered; now and then one is left out, or comes again.
void storm::feed(peer& at, std::uint32_t number) {
  later(up_to(6s), [this, &at, number] {
    if (calm_ || at.wire->over) return;
    at.wire->say(news(number));
    feed(at, chance(0.1) ? number + 2 : chance(0.05) ? number : number + 1);
  });
}

void storm::end(peer& at) {
  if (calm_) return;
  constexpr std::uint16_t codes[] = {1000, 1001, 1005, 1008, 1011, 1012, 1013, 4000};
  if (chance(0.5))
    at.wire->end({close_reason{codes[random_() % std::size(codes)], "the storm"}, std::nullopt});
  else
    at.wire->end({std::nullopt, fault{.kind = chance(0.8) ? fault_class::lost : fault_class::protocol_error,
                                      .cause = "the storm"}});
}

void storm::serve(peer& at, const message& what) {
  if (what.kind == protocol::frame_kind::text) {
    if (!stormy() || chance(0.6)) return grant(at);
    if (chance(0.7)) return later(up_to(8s), [this, &at] { grant(at); });
    return;  // never
  }
  if (what.bytes[0] == 2) answer(at, number_at(what, 1));
}

void storm::grant(peer& at) {
  at.wire->say(binary("\x64"));
  if (stormy() && chance(0.1)) at.wire->say(binary("\x64"));
}

// An order is confirmed at once, late, twice, in the wrong order, under a wrong number, or never.
void storm::answer(peer& at, std::uint32_t id) {
  const double lot = stormy() ? std::uniform_real_distribution<>{}(random_) : 0;
  if (lot < 0.5) return confirm(at, id);
  if (lot < 0.6) return later(up_to(12s), [this, &at, id] { confirm(at, id); });
  if (lot < 0.7) {
    confirm(at, id);
    return confirm(at, id);
  }
  if (lot < 0.8) {
    at.held.push_back(id);
    if (at.held.size() < 3) return;
    while (!at.held.empty()) {
      confirm(at, at.held.back());
      at.held.pop_back();
    }
    return;
  }
  if (lot < 0.9) at.wire->say(done(id + 1'000'000));
}

void storm::confirm(peer& at, std::uint32_t id) {
  at.wire->say(done(id));
}

}  // namespace duplexd::test
