// The reader of HTTP requests: what it takes, what it refuses, and that cuts make no difference.
#include <string>
#include <vector>

#include "daemon/net/http/request_reader.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;

constexpr request_limits small{.head = 120, .body = 10};

std::string told(const request_reader& reader) {
  if (reader.failure()) return std::to_string(reader.failure()->status) + ": " + reader.failure()->text;
  if (!reader.done()) return reader.head_done() ? "more body" : "more head";
  std::string text =
      reader.head().method + " " + reader.head().target + " " + std::to_string(reader.head().version);
  for (const auto& [name, value] : reader.head().fields)
    text.append(" ").append(name).append("=").append(value);
  return text + " [" + reader.body() + "]";
}

struct outcome {
  std::string text;
  std::size_t taken = 0;
};

/// Feeds pieces of that size, each from memory of its exact size.
outcome read(const std::string& bytes, std::size_t piece, const request_limits& limits = small) {
  request_reader reader(limits);
  outcome made;
  while (made.taken < bytes.size() && !reader.done() && !reader.failure()) {
    const std::string part = bytes.substr(made.taken, piece);
    const std::vector<char> exact(part.begin(), part.end());
    made.taken += reader.feed({exact.data(), exact.size()});
  }
  made.text = told(reader);
  return made;
}

std::string read_however(const std::string& bytes, const request_limits& limits = small) {
  const outcome whole = read(bytes, bytes.size(), limits);
  for (const std::size_t piece : {1, 2, 3, 7, 40}) {
    INFO(bytes << " in pieces of " << piece);
    const outcome part = read(bytes, piece, limits);
    CHECK(part.text == whole.text);
    if (whole.text.starts_with("GET") || whole.text.starts_with("P")) CHECK(part.taken == whole.taken);
  }
  return whole.text;
}

}  // namespace

TEST_CASE("requests are read with their fields and body", "[request_reader]") {
  CHECK(read_however("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") == "GET /metrics 11 Host=a []");
  CHECK(read_however("GET / HTTP/1.0\r\n\r\n") == "GET / 10 []");
  CHECK(read_however("PUT /x?y=1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc") ==
        "PUT /x?y=1 11 Content-Length=3 [abc]");
  CHECK(read_however("PUT /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nab") == "more body");
  CHECK(read_however("GET / HTTP/1.1\r\nHost:") == "more head");
}

TEST_CASE("the next request is not touched", "[request_reader]") {
  const std::string first = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
  CHECK(read(first + "GET / HTTP/1.1\r\n\r\n", 1000).taken == first.size());
  request_reader head_only(small, request_reader::body_rule::none);
  CHECK(head_only.feed(first) == first.size() - 2);
  CHECK(head_only.done());
  CHECK(head_only.head_done());
}

TEST_CASE("what is not a request is refused", "[request_reader]") {
  struct row {
    const char* bytes;
    const char* answer;
  };
  const row all[] = {
      {"\x16\x03\x01\x02", "400"},  // TLS
      {"\r\nGET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: a\n\n", "400"},
      {"GET / HTTP/2.0\r\n\r\n", "400"},
      {"GET /\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n a: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\na b: c\r\n\r\n", "400"},
      {"PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"},
      {"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
      {"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "400"},
      {"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "411"},
  };
  for (const row& each : all) {
    INFO(each.bytes);
    CHECK(read_however(each.bytes).starts_with(each.answer));
  }
}

TEST_CASE("head and body at their limits, and one byte beyond", "[request_reader]") {
  const std::string begin = "GET / HTTP/1.1\r\nA: ";
  const auto with_head_of = [&](std::size_t size) {
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  CHECK(read_however(with_head_of(small.head)).starts_with("GET / 11"));
  CHECK(read_however(with_head_of(small.head + 1)) ==
        "431: the head of the request is larger than the limit of 120 bytes");
  const auto with_body_of = [](std::size_t size) {
    return "PUT / HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'b');
  };
  CHECK(read_however(with_body_of(small.body)) == "PUT / 11 Content-Length=10 [bbbbbbbbbb]");
  CHECK(read_however(with_body_of(small.body + 1)) == "413: the body is larger than the limit of 10 bytes");
  const outcome endless = read(std::string(100'000, 'G'), 1000);
  CHECK(endless.text.starts_with("431"));
  CHECK(endless.taken <= small.head);
}

TEST_CASE("a list of tokens is searched in any case of letters", "[message_head]") {
  message_head head;
  head.fields = {{"Connection", "keep-alive , Upgrade"}, {"connection", ""}};
  CHECK(head.has_token("connection", "upgrade"));
  CHECK(head.has_token("CONNECTION", "Keep-Alive"));
  CHECK_FALSE(head.has_token("Connection", "up"));
  CHECK_FALSE(head.has_token("Upgrade", "websocket"));
}
