// A step that sends bytes from outside: in which chunks, when, and what follows them.
#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// One `stream` step; the server says what it gets: "a:12" for a chunk, "z:" for the end.
struct flow_stream_scene {
  explicit flow_stream_scene(const std::string& step, const std::string& beside = "",
                             const std::string& after = "")
      : play(R"(version: 1
sessions:
  s:
    url: ws://server/
    protocol:
      json: compact
      commands:
        audio: '_op:1s="a" data:bytes'
        tail: '_op:1s="t" data:bytes'
        end: '_op:1s="z"'
        count: 'n:B sound:b64'
        json: {json: {audio: ~}}
        done: {json: {n: ~}}
      replies:
        - {as: heard, when: {frame: text}, json: {heard: ~}}
    liveness: {ping_interval: 0, idle_timeout: 0}
    script:
      - stream: {)" +
                 step + R"(}
        save: {sum: '*'}
)" + beside + R"(      - {send: done, with: {n: '${var:sum.chunks}/${var:sum.bytes}'}}
)" + after,
             true) {
    play.sources.all["f"].bytes = "0123456789";
    server->on_message = [this](scripted_server&, const message& what) {
      times.push_back(
          std::chrono::duration_cast<std::chrono::milliseconds>(play.time.now().time_since_epoch()));
      if (what.kind == protocol::frame_kind::text) return heard.push_back(what.bytes);
      heard.push_back(what.bytes.substr(0, 1) + ":" + what.bytes.substr(1));
    };
  }
  scripted_sources::prepared& source() { return play.sources.all["f"]; }

  stage play;
  lines heard;
  std::vector<std::chrono::milliseconds> times;
  std::shared_ptr<scripted_server> server = play.accept();
};

}  // namespace

TEST_CASE("a stream is sent in chunks, and then what ends it") {
  const auto [step, sent] = GENERATE(table<std::string, lines>({
      {"file: f, chunk: 4, send: audio", {"a:0123", "a:4567", "a:89", R"({"n":"3/10"})"}},
      {"file: f, chunk: 5, send: audio", {"a:01234", "a:56789", R"({"n":"2/10"})"}},
      {"file: f, send: audio", {"a:0123456789", R"({"n":"1/10"})"}},
      {"file: f, chunk: 5, send: audio, last: end", {"a:01234", "a:56789", "z:", R"({"n":"2/10"})"}},
      {"file: f, chunk: 4, send: audio, last: tail", {"a:0123", "a:4567", "t:89", R"({"n":"3/10"})"}},
      {"file: f, chunk: 5, send: audio, last: tail", {"a:01234", "t:56789", R"({"n":"2/10"})"}},
      {"file: none, send: audio", {R"({"n":"0/0"})"}},
      {"file: none, send: audio, last: end", {"z:", R"({"n":"0/0"})"}},
      {"file: none, send: audio, last: tail", {"t:", R"({"n":"1/0"})"}},
      {"exec: [f], send: audio", {"a:0123456789", R"({"n":"1/10"})"}},
      {"file: f, chunk: 9, send: json, as: audio",
       {R"({"audio":"MDEyMzQ1Njc4"})", R"({"audio":"OQ=="})", R"({"n":"2/10"})"}},
      {"file: f, chunk: 5, send: count, as: sound, with: {n: '${= counter:c + 64}'}",
       {"A:01234", "B:56789", R"({"n":"2/10"})"}},
  }));
  flow_stream_scene s{step};
  s.play.run_for(1s);
  INFO(step << ": " << end_of(s.play));
  CHECK(s.heard == sent);
  CHECK(end_of(s.play).empty());
}

TEST_CASE("stdin is a stream, too") {
  flow_stream_scene s{"stdin: true, chunk: 2, send: audio"};
  s.play.sources.all["stdin"].bytes = "abc";
  s.play.run_for(1s);
  CHECK(s.heard == lines{"a:ab", "a:c", R"({"n":"2/3"})"});
}

TEST_CASE("chunks keep their pace") {
  flow_stream_scene s{"file: f, chunk: 3, every: 100ms, send: audio, last: end"};
  s.play.run_for(1s);
  CHECK(s.heard.size() == 6);
  using ms = std::vector<std::chrono::milliseconds>;
  CHECK(s.times == ms{0ms, 100ms, 200ms, 300ms, 300ms, 300ms});
}

// While the server takes nothing no more than one chunk is read, and afterwards nothing is caught up with.
TEST_CASE("a stream waits for the server") {
  flow_stream_scene s{"file: f, chunk: 1, every: 100ms, send: audio"};
  s.play.run_for(150ms);
  CHECK(s.heard.size() == 2);
  s.server->unsent_bytes = outbox::low_water + 1;
  s.server->take_bytes(false);
  s.play.run_for(10s);
  CHECK(s.heard.size() == 3);
  CHECK(s.source().given <= 4);
  s.server->take_bytes(true);
  s.play.run_for(199ms);
  CHECK(s.heard.size() == 5);
  s.play.run_for(2s);
  CHECK(s.heard.size() == 11);
}

TEST_CASE("what cannot be read, or cannot be sent, is a fault, and the source is closed") {
  flow_stream_scene s{"file: f, chunk: 4, send: audio, last: end"};
  s.source().error = "it broke";
  s.play.run_for(1s);
  CHECK(s.heard == lines{"a:0123", "a:4567"});
  CHECK(end_of(s.play) == "script: stream f: it broke");
  CHECK(s.source().closed == 1);

  flow_stream_scene odd{"file: f, chunk: 4, send: count, as: sound, with: {n: '${= counter:c + 254}'}"};
  odd.play.run_for(1s);
  CHECK(odd.heard.size() == 1);
  CHECK(end_of(odd.play).starts_with("script: command count not sent: "));
  CHECK(odd.source().closed == 1);
}

TEST_CASE("a fault of a stream names where its bytes come from") {
  const auto [from, name] = GENERATE(
      table<std::string, std::string>({{"file: f", "f"}, {"exec: [f]", "f"}, {"stdin: true", "stdin"}}));
  flow_stream_scene s{from + ", send: audio"};
  s.play.sources.all[name].error = "it broke";
  s.play.run_for(1s);
  CHECK(end_of(s.play) == "script: stream " + name + ": it broke");
}

TEST_CASE("a stream that is cancelled is closed") {
  flow_stream_scene s{"file: f, chunk: 4, send: audio",
                      "        timeout: 5s\n        on_fault: [{set: {sum: {chunks: x, bytes: y}}}]\n"};
  s.source().most = 4;
  s.play.run_for(10s);
  CHECK(s.heard == lines{"a:0123", R"({"n":"x/y"})"});
  CHECK(s.source().closed == 1);
}

// The transcript of the first chunks may come before the last one is sent.
TEST_CASE("replies count from the first chunk on") {
  const std::string stream = "file: f, chunk: 4, every: 1s, send: audio";
  const std::string expect = "      - {expect: heard, timeout: 1s}\n";
  flow_stream_scene at_once{stream, expect};
  at_once.play.run_for(500ms);
  at_once.server->say(text(R"({"heard":1})"));
  at_once.play.run_for(10s);
  CHECK(at_once.heard.size() == 4);
  CHECK(end_of(at_once.play).empty());

  flow_stream_scene later{stream, "", expect};  // behind another `send`
  later.play.run_for(500ms);
  later.server->say(text(R"({"heard":1})"));
  later.play.run_for(10s);
  CHECK(end_of(later.play).starts_with("script: no reply heard"));
}
