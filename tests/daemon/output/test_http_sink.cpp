// Events posted to a server: when, how, and what follows from its answers.
#include <zlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>
#include <thread>

#include "daemon/output/http_sink.hpp"
#include "daemon/output/queued_output.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"
#include "tests/daemon/output/scripted_streams.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

http_result status(int number, std::optional<std::chrono::milliseconds> retry_after = {}) {
  http_response made;
  made.status = number;
  made.retry_after = retry_after;
  return made;
}

struct letters {
  lines kept;
  std::string failed;
};
class letter_sink final : public record_sink {
 public:
  explicit letter_sink(letters& to) : to_(to) {}
  asio::awaitable<progress> write(const record_batch& records) override {
    progress made;
    made.failed = to_.failed;
    if (made.failed.empty())
      for (; made.written < records.size(); ++made.written) to_.kept.emplace_back(records[made.written].text);
    co_return made;
  }

 private:
  letters& to_;
};

config::output_settings settings() {
  config::output_settings made{.name = "o", .type = config::output_type::http};
  made.url = config::text_template("http://h/p");
  return made;
}

struct http_sink_scene {
  explicit http_sink_scene(const config::output_settings& with = settings(), bool keeps = false)
      : out(loop.get_executor(), time, log, context.random, with,
            std::make_unique<http_sink>(context, with,
                                        keeps ? std::make_unique<letter_sink>(dead) : nullptr)) {
    http.answer = [this](const http_request& /*what*/) {
      if (answers.empty()) return status(200);
      http_result next = std::move(answers.front());
      answers.pop_front();
      return next;
    };
    tasks.spawn(0, out.run());
  }
  ~http_sink_scene() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    time.run_for(0s);
  }
  void add(const std::string& text) { out.append(reply_event(), text); }
  lines bodies() const {
    lines all;
    for (const http_request& each : http.asked) all.push_back(each.body);
    return all;
  }
  std::string header(std::size_t request, const std::string& name) const {
    for (const auto& [each, value] : http.asked.at(request).headers)
      if (each == name) return value;
    return "";
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry log;
  secret_index secrets;
  scripted_http http;
  scripted_streams streams;
  std::deque<http_result> answers;  ///< then 200
  letters dead;
  output_context context{.loop = loop.get_executor(),
                         .time = time,
                         .log = log,
                         .random = [] { return 0.5; },
                         .secrets = secrets,
                         .http = http,
                         .streams = streams};
  queued_output out;
  task_group<std::string> tasks{loop.get_executor()};
};

std::string unpacked(const std::string& text) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(1000, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("a request leaves when its time has come", "[http_sink]") {
  http_sink_scene s;
  s.time.run_for(1s);
  s.add("1\n");
  s.time.run_for(0s);
  CHECK(s.bodies() == lines{"1\n"});  // nothing was sent for long
  s.add("2\n");
  s.add("3\n");
  s.time.run_for(999ms);
  CHECK(s.http.asked.size() == 1);
  s.time.run_for(1ms);
  CHECK(s.bodies() == lines{"1\n", "2\n3\n"});
  CHECK(s.out.waiting() == 0);
  CHECK(s.log.lines.empty());
}

// At the bounds and one beyond.
TEST_CASE("a request leaves when it is full, and holds no more than that", "[http_sink]") {
  config::output_settings small = settings();
  SECTION("events") {
    small.batch.events = 2;
    http_sink_scene s{small};
    s.add("0\n");
    s.time.run_for(0s);
    s.add("1\n");
    s.time.run_for(10ms);
    CHECK(s.http.asked.size() == 1);
    s.add("2\n");
    s.time.run_for(0s);
    CHECK(s.bodies() == lines{"0\n", "1\n2\n"});
    for (const char* each : {"3\n", "4\n", "5\n"}) s.add(each);
    s.time.run_for(2s);
    CHECK(s.bodies() == lines{"0\n", "1\n2\n", "3\n4\n", "5\n"});
  }
  SECTION("bytes") {
    small.batch.size = 10;
    http_sink_scene s{small};
    for (const char* each : {"aaaa\n", "bbbb\n", "cccc\n", "ddddd\n", "a long one, which is alone\n"})
      s.add(each);
    s.time.run_for(5s);
    CHECK(s.bodies() == lines{"aaaa\nbbbb\n", "cccc\n", "ddddd\n", "a long one, which is alone\n"});
  }
}

TEST_CASE("what a request looks like", "[http_sink]") {
  config::output_settings with = settings();
  SECTION("lines") {
    http_sink_scene s{with};
    s.add("{\"a\":1}\n");
    s.add("{\"a\":2}\n");
    s.time.run_for(0s);
    REQUIRE(s.http.asked.size() == 1);
    const http_request& sent = s.http.asked[0];
    CHECK(sent.method == "POST");
    CHECK(sent.address.target == "/p");
    CHECK(sent.timeout == 30s);
    CHECK_FALSE(sent.redirects.followed);
    CHECK(sent.body == "{\"a\":1}\n{\"a\":2}\n");
    CHECK(s.header(0, "Content-Type") == "application/x-ndjson");
    CHECK(sent.headers.size() == 1);
    CHECK(sent.ca_file.empty());
    CHECK(sent.cert_file.empty());
    CHECK(sent.key_file.empty());
  }
  SECTION("certificates") {
    with.url = config::text_template("https://h/p");
    with.ca_file = config::text_template("/a");
    with.cert_file = config::text_template("/b");
    with.key_file = config::text_template("/c");
    http_sink_scene s{with};
    s.add("1\n");
    s.time.run_for(0s);
    REQUIRE(s.http.asked.size() == 1);
    CHECK(s.http.asked[0].ca_file == "/a");
    CHECK(s.http.asked[0].cert_file == "/b");
    CHECK(s.http.asked[0].key_file == "/c");
  }
  SECTION("a list") {
    with.body = config::batch_body::json;
    http_sink_scene s{with};
    s.add("{\"a\":1}\n");
    s.add("{\"a\":2}\n");
    s.time.run_for(0s);
    CHECK(s.bodies() == lines{"[{\"a\":1},{\"a\":2}]"});
    CHECK(s.header(0, "Content-Type") == "application/json");
  }
  SECTION("headers, which replace ours") {
    with.headers.emplace_back("content-type", config::text_template("text/x"));
    with.headers.emplace_back("X-A", config::text_template("b"));
    http_sink_scene s{with};
    s.add("1\n");
    s.time.run_for(0s);
    CHECK(s.header(0, "Content-Type").empty());
    CHECK(s.header(0, "content-type") == "text/x");
    CHECK(s.header(0, "X-A") == "b");
  }
  SECTION("a signature") {
    with.sign = {"X-Signature", config::text_template("key")};
    http_sink_scene s{with};
    s.add("{\"a\":1}\n");
    s.time.run_for(0s);
    CHECK(s.header(0, "X-Signature") == "f511919c22720aed31219b3e9633132ef6fab64c923dde391c14129d26db49b5");
  }
  SECTION("compression, and a signature of what is sent") {
    with.compress = config::file_compression::gzip;
    with.sign = {"X-Signature", config::text_template("key")};
    http_sink_scene s{with};
    s.add("{\"a\":1}\n");
    s.time.run_for(0s);
    CHECK(s.header(0, "Content-Encoding") == "gzip");
    CHECK(unpacked(s.bodies().at(0)) == "{\"a\":1}\n");
    CHECK(s.header(0, "X-Signature") != "f511919c22720aed31219b3e9633132ef6fab64c923dde391c14129d26db49b5");
  }
}

// It takes long to make, and the loop goes on meanwhile.
TEST_CASE("a large body is made beside the loop", "[http_sink]") {
  config::output_settings with = settings();
  with.compress = config::file_compression::gzip;
  with.batch.size = 100u << 20;
  with.sign.header = "X-Signature";
  with.sign.secret = config::text_template("s");
  http_sink_scene s{with};
  std::string noise(20u << 20, '\n');
  std::uint32_t seed = 1;
  for (char& each : noise) each = static_cast<char>('a' + ((seed = seed * 1664525u + 1013904223u) >> 28u));
  s.add(noise + "\n");
  s.time.run_for(0s);
  CHECK(s.http.asked.empty());
  while (s.http.asked.empty()) {
    std::this_thread::sleep_for(1ms);
    s.time.run_for(0s);
  }
  CHECK(s.http.asked[0].body.size() > noise.size() / 4);
  CHECK(s.header(0, "Content-Encoding") == "gzip");
  CHECK(s.header(0, "X-Signature").size() == 64);
  s.time.run_for(0s);
  CHECK(s.out.waiting() == 0);
}

TEST_CASE("what cannot be taken now is sent again as it was, then what came meanwhile", "[http_sink]") {
  config::output_settings with = settings();
  with.idempotency = true;
  http_sink_scene s{with};
  s.answers = {status(503), http_result{fault{.cause = "refused"}}};
  s.add("1\n");
  s.time.run_for(0s);
  s.add("2\n");
  s.time.run_for(10s);
  CHECK(s.bodies() == lines{"1\n", "1\n", "1\n", "2\n"});
  CHECK(s.header(0, "Idempotency-Key").size() == 32);
  CHECK(s.header(1, "Idempotency-Key") == s.header(0, "Idempotency-Key"));
  CHECK(s.header(2, "Idempotency-Key") == s.header(0, "Idempotency-Key"));
  CHECK(s.header(3, "Idempotency-Key") != s.header(0, "Idempotency-Key"));
  REQUIRE(s.log.lines.size() == 3);
  CHECK(s.log.lines[0] ==
        "output o failed: http://h/p answered with status 503; events wait, next attempt in 0.4 s");
  CHECK(s.log.lines[1].starts_with("output o failed: refused; events wait, next attempt in 0.8 s"));
  CHECK(s.log.lines[2] == "output o works again");
}

TEST_CASE("a server says how long it wants to be left alone, within reason", "[http_sink]") {
  http_sink_scene s;
  s.answers = {status(429, 10s), status(503, 500h)};
  s.add("1\n");
  s.time.run_for(9999ms);
  CHECK(s.http.asked.size() == 1);
  s.time.run_for(1ms);
  CHECK(s.http.asked.size() == 2);
  CHECK(s.log.lines.back().ends_with("next attempt in 3600.0 s"));
  s.time.run_for(1h);
  CHECK(s.bodies() == lines{"1\n", "1\n", "1\n"});
  CHECK(s.out.waiting() == 0);
}

TEST_CASE("which answers refuse a batch for good", "[http_sink]") {
  for (const int number : {200, 201, 204, 299}) {
    http_sink_scene s;
    s.answers = {status(number)};
    s.add("1\n");
    s.time.run_for(1min);
    CHECK(s.http.asked.size() == 1);
    CHECK(s.log.lines.empty());
  }
  for (const int number : {301, 304, 408, 425, 429, 500, 502, 503, 504}) {
    http_sink_scene s;
    s.answers = {status(number)};
    s.add("1\n");
    s.time.run_for(1min);
    CHECK(s.http.asked.size() == 2);
  }
  for (const int number : {400, 401, 403, 404, 409, 413, 422}) {
    http_sink_scene s;
    s.answers = {status(number)};
    s.add("1\n");
    s.time.run_for(1min);
    CHECK(s.http.asked.size() == 1);
    CHECK(s.log.lines == lines{"output o: http://h/p answered with status " + std::to_string(number) +
                               "; 1 event(s) are lost, 1 so far"});
  }
}

TEST_CASE("what was refused is kept, and is not sent again because that fails", "[http_sink]") {
  http_sink_scene s{settings(), true};
  s.answers = {status(400)};
  s.dead.failed = "no disk";
  s.add("1\n");
  s.add("2\n");
  s.time.run_for(0s);
  CHECK(s.log.lines == lines{"output o failed: dead letters: no disk; events wait, next attempt in 0.4 s"});
  s.dead.failed.clear();
  s.add("3\n");
  s.time.run_for(10s);
  CHECK(s.dead.kept == lines{"1\n", "2\n"});
  CHECK(s.bodies() == lines{"1\n2\n", "3\n"});
  CHECK(std::ranges::count(s.log.lines,
                           "output o: http://h/p answered with status 400; 2 event(s) went to the "
                           "dead letters, 2 so far") == 1);
}

TEST_CASE("a secret that is missing holds events back", "[http_sink]") {
  config::output_settings with = settings();
  with.headers.emplace_back("X-A", config::text_template("${env:DUPLEXD_NONE}"));
  http_sink_scene s{with};
  s.add("1\n");
  s.time.run_for(0s);
  CHECK(s.http.asked.empty());
  CHECK(s.out.held_up() == "headers.X-A: ${env:DUPLEXD_NONE}: the environment variable is not set");
}

TEST_CASE("a url that turns out to have no TLS is not used with certificates", "[http_sink]") {
  for (const char* const scheme : {"http", "https"}) {
    setenv("DUPLEXD_TEST_SCHEME", scheme, 1);
    config::output_settings with = settings();
    with.url = config::text_template("${env:DUPLEXD_TEST_SCHEME}://h/p");
    with.cert_file = config::text_template("/cert.pem");
    http_sink_scene s{with};
    s.add("1\n");
    s.time.run_for(0s);
    const bool is_plain = std::string_view(scheme) == "http";
    CHECK(s.http.asked.empty() == is_plain);
    CHECK(s.out.held_up() ==
          (is_plain ? "url: http:// has no TLS that the certificates of this output are for; use https://"
                    : ""));
  }
  unsetenv("DUPLEXD_TEST_SCHEME");
}

TEST_CASE("the end does not wait for a batch to be full", "[http_sink]") {
  config::output_settings slow = settings();
  slow.batch.time = 1h;
  http_sink_scene s{slow};
  s.add("1\n");
  s.time.run_for(0s);
  s.add("2\n");
  s.time.run_for(1s);
  CHECK(s.http.asked.size() == 1);
  bool done = false;
  asio::co_spawn(s.loop, s.out.finish(s.time.now() + 8s), [&](const std::exception_ptr&) { done = true; });
  s.time.run_for(0s);
  CHECK(done);
  CHECK(s.bodies() == lines{"1\n", "2\n"});
}
