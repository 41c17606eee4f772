#include "tests/daemon/support/stage.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "config/load/load.hpp"
#include "daemon/event/describe.hpp"

namespace duplexd::test {

namespace {

config::settings load(const std::string& yaml) {
  char path[] = "/tmp/duplexd-test-XXXXXX.yaml";
  const int file = mkstemps(path, 5);
  if (file < 0) throw std::runtime_error("no temporary file");
  close(file);
  std::ofstream{path} << yaml;
  protocol::diagnostics mistakes;
  auto settings = config::load(path, {}, mistakes);
  std::remove(path);
  if (!settings) {
    std::string all;
    for (const auto& mistake : mistakes) all += config::format("test.yaml", mistake) + "\n";
    throw std::runtime_error(all);
  }
  return std::move(*settings);
}

}  // namespace

const char* const reference_yaml = R"(
version: 1
sessions:
  callcentre:
    url: wss://ws.test.com:2443/
    protocol:
      byte_order: native
      commands:
        set_service: "opcode:i=2 services:json"
        to_free: "opcode:i=0 state:b=0"
      replies:
        - {layout: "code:i rest:bytes", as: reply}
    login: {json: {role: admin, user_id: test1234}}
    script:
      - sleep: 500ms
      - send: set_service
        with: {services: [first, test]}
      - sleep: 500ms
      - send: to_free
      - expect: reply
        timeout: 5s
    close: {code: 1000, reason: user quit}
    outputs: [stdout]
)";

void recorded_telemetry::record(std::string_view session, const event& what) {
  const std::string prefix = session.empty() ? std::string{} : std::string{session} + ": ";
  lines.push_back(prefix + describe(what).message);
}

asio::awaitable<void> recorded_output::wait_room() {
  bool go_on = true;
  while (go_on && full) go_on = co_await changed.wait();
}

asio::awaitable<program_result> scripted_programs::until_killed() {
  notifier never{co_await asio::this_coro::executor};
  co_await never.wait();
  co_return program_failure{"killed"};
}

asio::awaitable<bool> immediate_work::run(std::function<void()> work) {
  if (!stuck) work();
  if (stuck) co_await until_cancelled();
  co_return !stuck;
}

namespace {

class scripted_source final : public byte_source {
 public:
  explicit scripted_source(scripted_sources::prepared& from) : from_(from) {}
  asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t size) override {
    const auto begin = from_.bytes.begin() + static_cast<std::ptrdiff_t>(from_.given);
    const std::size_t count = std::min(size, from_.bytes.size() - from_.given);
    if (from_.given + count > from_.most) {
      notifier never{co_await asio::this_coro::executor};
      co_await never.wait();
      co_return std::string{};
    }
    out.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    from_.given += count;
    co_return count < size ? from_.error : std::string{};
  }
  asio::awaitable<void> close() override {
    ++from_.closed;
    co_return;
  }

 private:
  scripted_sources::prepared& from_;
};

}  // namespace

std::unique_ptr<byte_source> scripted_sources::open(const std::string& name) {
  return std::make_unique<scripted_source>(all[name]);
}

std::unique_ptr<byte_source> scripted_sources::program(program_request what) {
  std::string name;
  for (const std::string& each : what.arguments) name += (name.empty() ? "" : " ") + each;
  return open(name);
}

stage::stage(const std::string& yaml, bool once, std::size_t at_once, safe_keeping* safe)
    : settings(load(yaml)) {
  if (at_once > 0) limiter = std::make_unique<dial_limiter>(loop.get_executor(), time, at_once);
  const session_context context{.loop = loop.get_executor(),
                                .links = links,
                                .http = http,
                                .programs = programs,
                                .time = time,
                                .telemetry = telemetry,
                                .random = [this] { return random; },
                                .outputs = {{&out}},
                                .once = once,
                                .secrets = std::make_shared<secret_holder>(secrets),
                                .limiter = limiter.get(),
                                .sources = &sources,
                                .safe = safe,
                                .beside = &beside};
  session = std::make_unique<duplexd::session>(
      std::make_shared<const config::session_settings>(settings.sessions.at(0)), context);
}

stage::~stage() {
  if (!started_ || result) return;
  session->stop();
  out.full = false;
  out.changed.notify();
  time.run_for(std::chrono::hours{1});
}

std::shared_ptr<scripted_server> stage::accept() {
  auto server = std::make_shared<scripted_server>(loop.get_executor());
  server->time = &time;
  links.answers.emplace_back([server, this](const dial_request&) -> dial_result {
    server->last_said = time.now();
    return std::make_unique<scripted_link>(server);
  });
  return server;
}

void stage::refuse(const fault& what) {
  links.answers.emplace_back([what](const dial_request&) -> dial_result { return what; });
}

void stage::start() {
  if (started_) return;
  started_ = true;
  asio::co_spawn(loop, session->run(), [this](const std::exception_ptr& bug, session_result ended) {
    if (bug) started_ = false;  // nothing is left to be stopped
    if (bug) std::rethrow_exception(bug);
    result = std::move(ended);
  });
}

void stage::run_for(clock::duration passing) {
  start();
  time.run_for(passing);
}

void stage::run_turns(unsigned count) {
  start();
  loop.restart();
  for (unsigned i = 0; i < count; ++i) loop.poll_one();
}

}  // namespace duplexd::test
