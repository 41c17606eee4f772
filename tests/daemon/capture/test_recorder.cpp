#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "daemon/capture/recorder.hpp"
#include "daemon/capture/recording_dialer.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

const std::string secret = "s3cr\"et";

// Secrets in the login, in a binary command, and one that a layout changes on its way.
const char* const secret_yaml = R"(
version: 1
sessions:
  desk:
    url: "wss://desk.example/?token=${env:DUPLEXD_TEST_SECRET}"
    headers: {Authorization: "Bearer ${env:DUPLEXD_TEST_SECRET}"}
    protocol:
      byte_order: little
      commands:
        enter: "opcode:B=1 token:str"
        ping: "opcode:B=2"
      replies:
        - {layout: "rest:bytes", as: reply}
    login: {json: {role: admin, token: "${env:DUPLEXD_TEST_SECRET}", digit: "${env:DUPLEXD_TEST_DIGIT}"}}
    script:
      - send: enter
        with: {token: "${env:DUPLEXD_TEST_SECRET}"}
      - send: ping
      - json: {basic: "${'user:' + env:DUPLEXD_TEST_SECRET | base64}"}
      - sleep: 1s
    close: {code: 1000, reason: user quit}
    outputs: [stdout]
)";

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::unique_ptr<capture_file> open(const std::string& path) {
  std::string why;
  auto file = capture_file::open(path, why);
  INFO(why);
  REQUIRE(file);
  return file;
}

/// A stage whose session is recorded.
struct recorded_stage {
  net::test::temporary_directory directory;
  std::string path = (directory.path() / "capture.jsonl").string();
  stage play;
  recorder to{play.loop.get_executor(), play.time, play.telemetry, play.secrets, open(path)};
  recording_dialer links{play.links, to, play.settings.sessions.at(0).name};

  explicit recorded_stage(const std::string& yaml) : play(yaml, true) {
    const session_context context{.loop = play.loop.get_executor(),
                                  .links = links,
                                  .http = play.http,
                                  .programs = play.programs,
                                  .time = play.time,
                                  .telemetry = play.telemetry,
                                  .random = [] { return 1.0; },
                                  .outputs = {{&play.out}},
                                  .once = true,
                                  .secrets = std::make_shared<secret_holder>(play.secrets)};
    play.session = std::make_unique<session>(
        std::make_shared<const config::session_settings>(play.settings.sessions.at(0)), context);
  }
  ~recorded_stage() {
    if (play.result) return;
    play.session->stop();
    play.run_for(1h);
  }
  recorded_stage(const recorded_stage&) = delete;
  recorded_stage& operator=(const recorded_stage&) = delete;
};

void set_secrets() {
  setenv("DUPLEXD_TEST_SECRET", secret.c_str(), 1);
  setenv("DUPLEXD_TEST_DIGIT", "7", 1);
}

}  // namespace

TEST_CASE("a capture has every message of a session in both directions, and the link's begin and end") {
  recorded_stage world{reference_yaml};
  auto server = world.play.accept();
  server->on_message = [](scripted_server& self, const message& what) {
    if (what.kind == protocol::frame_kind::binary) self.say(binary(what.bytes.substr(0, 4)));
  };
  world.play.run_for(10s);
  const std::string head = R"({"v":1,"time":"1970-01-01T00:00:0)";
  const std::string who = R"(00Z","session":"callcentre","event":)";
  CHECK(
      content_of(world.path) ==
      head + "0.0000" + who + "\"opened\"}\n" +  //
          head + "0.0000" + who +
          R"("message","direction":"out","frame":"text","text":"{\"role\": \"admin\", \"user_id\": \"test1234\"}","size":40})"
          "\n" +
          head + "0.5000" + who +
          R"("message","direction":"out","frame":"binary","hex":"020000005b226669727374222c202274657374225d","size":21})"
          "\n" +
          head + "0.5000" + who +
          R"("message","direction":"in","frame":"binary","hex":"02000000","size":4})"
          "\n" +
          head + "1.0000" + who +
          R"("message","direction":"out","frame":"binary","hex":"0000000000","size":5})"
          "\n" +
          head + "1.0000" + who +
          R"("message","direction":"in","frame":"binary","hex":"00000000","size":4})"
          "\n" +
          head + "1.0000" + who +
          R"("close","direction":"out","code":1000,"reason":"user quit"})"
          "\n" +
          head + "1.0000" + who +
          R"("close","direction":"in","code":1000,"reason":"user quit"})"
          "\n" +
          head + "1.0000" + who + "\"ended\"}\n");
}

// The promise of the whole: whatever the server says back, nothing that a reference stood for is in the file.
TEST_CASE("no secret is in a capture, in what was sent or in what comes back") {
  set_secrets();
  recorded_stage world{secret_yaml};
  auto server = world.play.accept();
  server->answers_close = false;
  world.play.run_for(1ms);
  REQUIRE(server->received.size() == 4);
  const std::string basic = "dXNlcjpzM2NyImV0";  // user:s3cr"et
  REQUIRE(server->received[3].bytes.find(basic) != std::string::npos);
  REQUIRE(server->received[0].bytes.find(R"(s3cr\"et)") != std::string::npos);
  REQUIRE(server->received[1].bytes.find(secret) != std::string::npos);
  server->say(text("hello " + secret + ", your digit is 7"));
  server->say(text(R"({"you": "s3cr\"et"})"));
  server->say(binary("\x01" + secret));
  server->say(binary("\x07"));
  server->say(text("welcome, " + basic));
  server->close({4000, "bad token " + secret});
  world.play.run_for(1h);

  const std::string all = content_of(world.path);
  INFO(all);
  CHECK(all.find("s3cr") == std::string::npos);
  std::string hex;
  protocol::append_hex(hex, {reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
  CHECK(all.find(hex) == std::string::npos);
  CHECK(all.find(basic) == std::string::npos);
  CHECK(all.find(R"("text":"{\"role\": \"admin\", \"token\": \"***\", \"digit\": \"***\"}")") !=
        std::string::npos);
  CHECK(all.find(R"("direction":"out","frame":"binary","size":8,"redacted":true})") != std::string::npos);
  CHECK(all.find(R"("direction":"out","frame":"binary","hex":"02","size":1})") != std::string::npos);
  CHECK(all.find(R"("text":"hello ***, your digit is 7","size":30,"redacted":true})") != std::string::npos);
  CHECK(all.find(R"("direction":"in","frame":"binary","size":8,"redacted":true})") != std::string::npos);
  CHECK(all.find(R"("direction":"in","frame":"binary","hex":"07","size":1})") != std::string::npos);
  CHECK(all.find(R"("code":4000,"reason":"bad token ***")") != std::string::npos);
}

// A token that a step fetched is no reference's value, and a secret all the same; a short id is none.
TEST_CASE("a fetched token is not in a capture") {
  recorded_stage world{R"(
version: 1
sessions:
  desk:
    url: wss://desk.example/
    protocol: {byte_order: little, commands: {ping: "opcode:B=2"}, replies: [{layout: "rest:bytes", as: reply}]}
    before:
      - {http: {url: "https://api.example/"}, save: {token: body.token, id: body.id}}
    login: {json: {token: "${var:token}", id: "${var:id}"}}
    script: [{sleep: 1s}]
    outputs: [stdout]
)"};
  world.play.http.answer = [](const http_request&) -> http_result {
    http_response granted;
    granted.status = 200;
    granted.body = R"({"token": "0123456789abcdef", "id": "room-7"})";
    return granted;
  };
  auto server = world.play.accept();
  world.play.run_for(1ms);
  REQUIRE(server->received.size() == 1);
  REQUIRE(server->received[0].bytes == R"({"token": "0123456789abcdef", "id": "room-7"})");
  server->say(text("welcome, 0123456789abcdef"));
  world.play.run_for(1h);

  const std::string all = content_of(world.path);
  INFO(all);
  CHECK(all.find("0123456789abcdef") == std::string::npos);
  CHECK(all.find(R"({\"token\": \"***\", \"id\": \"room-7\"})") != std::string::npos);
  CHECK(all.find("welcome, ***") != std::string::npos);
}

TEST_CASE("a text made from secrets in which none can be found again is left out") {
  asio::io_context loop;
  virtual_clock time{loop};
  recorded_telemetry telemetry;
  const secret_index secrets;
  const net::test::temporary_directory directory;
  const std::string path = (directory.path() / "capture.jsonl").string();
  {
    recorder to{loop.get_executor(), time, telemetry, secrets, open(path)};
    const std::string hashed = "5e884898da28047151d0e56f8dc62927";
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(hashed.data());
    const protocol::frame_view what{protocol::frame_kind::text, {bytes, hashed.size()}, true};
    to.message("desk", capture_way::out, what);
  }
  CHECK(content_of(path).find(R"("frame":"text","size":32,"redacted":true})") != std::string::npos);
}

TEST_CASE("a capture is its owner's alone, and is added to") {
  const net::test::temporary_directory directory;
  const std::string path = (directory.path() / "capture.jsonl").string();
  CHECK(open(path)->append("{\"half\":").empty());
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(open(path)->append("{}\n").empty());
  CHECK(open(path)->append("{}\n").empty());
  CHECK(content_of(path) == "{\"half\":\n{}\n{}\n");
}

TEST_CASE("what cannot be recorded to is refused with the reason") {
  const net::test::temporary_directory directory;
  std::string why;
  CHECK_FALSE(capture_file::open(directory.path().string(), why));
  CHECK(why == directory.path().string() + ": Is a directory");
  CHECK_FALSE(capture_file::open("/dev/null", why));
  CHECK(why == "/dev/null: not a regular file");
  CHECK_FALSE(capture_file::open((directory.path() / "no" / "where").string(), why));
  CHECK(why.find("No such file") != std::string::npos);
}

// Who else appends to the file is not cut off.
TEST_CASE("half a line is taken back only from the end of the file") {
  const net::test::temporary_directory directory;
  const std::string path = (directory.path() / "capture.jsonl").string();
  const auto file = open(path);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const std::string why = file->append("first\nsecond\nthird is long\n");
  const std::string whole = content_of(path);
  const std::string again = file->append("fourth is too long as well\n");
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(why == "File too large");
  CHECK(whole == "first\nsecond\n");
  CHECK(again == why);
  CHECK(content_of(path) == whole);
  CHECK(file->append("fifth\n").empty());
  CHECK(content_of(path) == whole + "fifth\n");
}

// As on a full disk: the capture ends, once and with a word; the session goes on.
TEST_CASE("a write error ends the recording and nothing else") {
  recorded_stage world{reference_yaml};
  auto server = world.play.accept();
  server->on_message = [](scripted_server& self, const message& what) {
    if (what.kind == protocol::frame_kind::binary) self.say(binary(what.bytes.substr(0, 4)));
  };
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{100, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  world.play.run_for(10s);
  setrlimit(RLIMIT_FSIZE, &before);
  REQUIRE(world.play.result);
  CHECK_FALSE(world.play.result->fatal);
  CHECK(server->received.size() == 3);
  // What there was room for, without half a line.
  const std::string opened =
      R"({"v":1,"time":"1970-01-01T00:00:00.000000Z","session":"callcentre","event":"opened"})";
  REQUIRE(opened.size() < 100);
  CHECK(content_of(world.path) == opened + "\n");
  const auto& log = world.play.log();
  CHECK(std::ranges::count_if(log, [](const std::string& line) {
          return line.find("capture.jsonl failed: File too large") != std::string::npos;
        }) == 1);
}
