// What a repeated step knows of its round, and counters.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using lines = std::vector<std::string>;

namespace {

/// "id data" of each `put`.
lines numbers_of(const scripted_server& server) {
  lines sent;
  for (const auto& each : server.received) {
    const auto values = values_of(each);
    sent.push_back(values["id"].dump() + " " + values.value("data", ordered_json()).dump());
  }
  return sent;
}

}  // namespace

TEST_CASE("a round knows its number, in each repeat from 0") {
  stage play{talk_yaml(R"(
    script:
      - repeat: 2
        as: outer
        do:
          - {repeat: 2, as: inner, do: {send: put, with: {id: "${var:outer}", data: "${var:inner}"}}}
      - {repeat: forever, as: n, until: {n: 1}, do: {send: put, with: {id: "${var:n}"}}}
)"),
             true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(numbers_of(*server) == lines{"0 0", "0 1", "1 0", "1 1", "0 null", "1 null"});
}

TEST_CASE("a counter of the connection begins at 1 on each") {
  stage play{talk_yaml(R"(
    reconnect: {initial: 1s, jitter: none}
    script:
      - repeat: 2
        do: {send: put, with: {id: "${link_counter:a}", data: "${counter:a}"}}
      - {send: put, with: {id: "${link_counter:b}"}}
      - {expect: got, timeout: 1s}
)")};
  const auto sent_of = [&play] {
    auto server = play.accept();
    play.run_for(1500ms);
    return numbers_of(*server);
  };
  CHECK(sent_of() == lines{"1 1", "2 2", "1 null"});
  CHECK(sent_of() == lines{"1 3", "2 4", "1 null"});
}
