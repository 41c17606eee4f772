// What JetStream's acknowledgements mean.
#include "daemon/module/nats/nats_answer.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using enum nats_answer::kind;

TEST_CASE("an acknowledgement with a stream and its number takes a message", "[nats]") {
  for (const char* text : {R"({"stream":"feeds","seq":7})", R"({"stream":"s","seq":7,"duplicate":true})"}) {
    const nats_answer read = answer_of(text);
    CHECK(read.what == taken);
    CHECK(read.why.empty());
  }
}

TEST_CASE("only what is too large is refused for good", "[nats]") {
  const nats_answer full = answer_of(
      R"({"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"s","seq":0})");
  CHECK(full.what == not_taken);
  CHECK(full.why == "JetStream says: maximum messages exceeded (10077)");
  const nats_answer large = answer_of(
      R"({"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"s","seq":0})");
  CHECK(large.what == refused);
  CHECK(large.why == "JetStream says: message size exceeds maximum allowed (10054)");
  CHECK(answer_of(R"({"error":{}})").what == not_taken);
  CHECK(answer_of(R"({"error":{"err_code":"x","description":5}})").why ==
        R"(JetStream says: an error ("x"))");
}

TEST_CASE("what is no acknowledgement takes nothing", "[nats]") {
  for (const char* text : {"", "+OK", "[]", "{}", R"({"stream":"s"})", R"({"seq":1})", R"({"error":5})"})
    CHECK(answer_of(text).what == not_taken);
}
