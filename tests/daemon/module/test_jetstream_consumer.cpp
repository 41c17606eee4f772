// What JetStream says of a consumer and of a stream, and how messages are asked for.
#include "daemon/module/nats/jetstream_consumer.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

jetstream_consumer consumer_with(const std::string& fields) {
  return read_consumer(R"({"type":"x","config":{"ack_policy":"explicit")" + fields + "}}", "orders", "d");
}

std::string mistake_in(const std::string& answer) {
  return read_consumer(answer, "orders", "d").mistake;
}

}  // namespace

TEST_CASE("a pull consumer with explicit acknowledgement can be received from", "[jetstream]") {
  const jetstream_consumer made = consumer_with(R"(,"max_ack_pending":1000,"max_deliver":-1)");
  CHECK(made.mistake.empty());
  CHECK(made.subjects.empty());
  CHECK(made.messages == 64);
  CHECK(made.bytes == 4u << 20);
  CHECK(made.message_bytes == 0);
  CHECK(made.wait == 5s);
}

TEST_CASE("no more is asked for than the consumer allows", "[jetstream][bounds]") {
  CHECK(consumer_with(R"(,"max_batch":10)").messages == 10);
  CHECK(consumer_with(R"(,"max_batch":65)").messages == 64);
  CHECK(consumer_with(R"(,"max_ack_pending":1,"max_batch":10)").messages == 1);
  CHECK(consumer_with(R"(,"max_ack_pending":-1)").messages == 64);
  const jetstream_consumer small = consumer_with(R"(,"max_bytes":1000,"max_expires":20000000)");
  CHECK(small.bytes == 1000);
  CHECK(small.message_bytes == 1000);
  CHECK(small.wait == 20ms);
  CHECK(consumer_with(R"(,"max_expires":1)").wait == 1ms);
  CHECK(consumer_with(R"(,"max_expires":18446744073709551615)").wait == 5s);
  CHECK(consumer_with(R"(,"max_batch":"x","max_bytes":1.5,"max_expires":null)").messages == 64);
}

TEST_CASE("what is missing or cannot be used is told", "[jetstream]") {
  CHECK(mistake_in(R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})") ==
        "there is no stream 'orders': create it");
  CHECK(
      mistake_in(R"({"error":{"code":404,"err_code":10014,"description":"consumer not found"}})") ==
      "the stream 'orders' has no consumer 'd': create it, as a pull consumer with explicit acknowledgement");
  CHECK(mistake_in(R"({"error":{"code":503,"err_code":10039,"description":"not enabled for account"}})") ==
        "JetStream says: not enabled for account (10039)");
  for (const char* text : {"", "[]", "{}", R"({"config":5})"})
    CHECK(mistake_in(text) == "what JetStream says cannot be read");
  CHECK(consumer_with(R"(,"deliver_subject":"x")").mistake ==
        "the consumer 'd' is a push consumer: create a pull consumer");
  for (const char* policy : {"none", "all"})
    CHECK(mistake_in(R"({"config":{"ack_policy":")" + std::string(policy) + R"("}})") ==
          "the consumer 'd' has the acknowledgement '" + std::string(policy) + "': it must be 'explicit'");
  CHECK(mistake_in(R"({"config":{}})") ==
        "the consumer 'd' has the acknowledgement '': it must be 'explicit'");
}

TEST_CASE("an answer of more bytes is not read", "[jetstream][bounds]") {
  const std::string good = R"({"config":{"ack_policy":"explicit"}})";
  const auto padded = [&good](std::size_t size) { return good + std::string(size - good.size(), ' '); };
  CHECK(mistake_in(padded(largest_answer)).empty());
  CHECK(mistake_in(padded(largest_answer + 1)) == "what JetStream says has more than 1048576 bytes");
}

TEST_CASE("the subjects of a consumer and of a stream", "[jetstream]") {
  CHECK(consumer_with(R"(,"filter_subject":"a.>")").subjects == lines{"a.>"});
  CHECK(consumer_with(R"(,"filter_subjects":["a","b.*",5])").subjects == lines{"a", "b.*"});
  CHECK(consumer_with(R"(,"filter_subject":5,"filter_subjects":{})").subjects.empty());
  CHECK(read_stream(R"({"config":{"subjects":["a","b.>"]}})").subjects == lines{"a", "b.>"});
  CHECK(read_stream(R"({"config":{"mirror":{}}})").subjects.empty());
  CHECK(read_stream(R"({"error":{"err_code":10059,"description":"stream not found"}})").mistake ==
        "JetStream says: stream not found (10059)");
}

TEST_CASE("a request for messages", "[jetstream]") {
  CHECK(pull_request(1, 0, 5s) == R"({"batch":1,"expires":5000000000})");
  CHECK(pull_request(63, 4u << 20, 100ms) == R"({"batch":63,"expires":100000000,"max_bytes":4194304})");
}

TEST_CASE("a request that ends without messages is made again, unless the status says why not",
          "[jetstream]") {
  for (const bool is_for_one : {true, false})
    for (const char* over : {"404 No Messages", "408 Request Timeout", "409 Batch Completed"})
      CHECK(mistake_in_status(over, is_for_one).empty());
  CHECK(mistake_in_status("409 Message Size Exceeds MaxBytes", false).empty());
  CHECK(mistake_in_status("409 Message Size Exceeds MaxBytes", true) ==
        "the next message is larger than the consumer's max_bytes allows");
  CHECK(mistake_in_status("409 Consumer Deleted", true) == "JetStream says: 409 Consumer Deleted");
  CHECK(mistake_in_status("503 ", true) ==
        "JetStream does not answer: it is off, or the stream has no leader");
}

TEST_CASE("a message has the id of its publisher, or its number and time", "[jetstream][bounds]") {
  const std::string longest(broker_receiver::longest_id, 'x');
  CHECK(id_of("a7", 5, 1) == "a7");
  CHECK(id_of(longest, 5, 1) == longest);
  CHECK(id_of(longest + 'x', 5, 1764268000123456789) == "5:1764268000123456789");
  CHECK(id_of("", 18446744073709551615u, 1) == "18446744073709551615:1");
}
