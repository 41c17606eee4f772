// The reader of HTTP answers: what it takes, what it refuses, and that cuts make no difference.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <string>
#include <vector>

#include "daemon/net/http/answer_reader.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;
namespace http = boost::beast::http;
using reason = answer_failure::reason;
using rule = answer_reader::body_rule;

/// All that a reader makes of an answer, as one text.
std::string told(const answer_reader& reader) {
  if (reader.failure()) {
    const auto why = reader.failure()->why;
    return (why == reason::too_large    ? "too large: "
            : why == reason::incomplete ? "incomplete: "
                                        : "malformed: ") +
           reader.failure()->text;
  }
  if (!reader.done()) return reader.head_done() ? "more body" : "more head";
  std::string text = std::to_string(reader.head().version) + " " + std::to_string(reader.head().status) +
                     " '" + reader.head().reason + "'";
  for (const auto& [name, value] : reader.head().fields)
    text.append(" ").append(name).append("=").append(value);
  return text + " [" + reader.body() + "]";
}

struct outcome {
  std::string text;
  std::size_t taken = 0;  ///< up to where an answer was refused depends on the pieces
  bool failed = false;
  bool operator==(const outcome& other) const {
    return text == other.text && (failed || taken == other.taken);
  }
};

/// Feeds the pieces, each from memory of its exact size; `end`: then the connection ends.
outcome read_pieces(const std::vector<std::string>& pieces, const answer_limits& limits, rule body,
                    bool end) {
  answer_reader reader(limits, body);
  outcome made;
  for (const auto& piece : pieces) {
    const std::vector<char> exact(piece.begin(), piece.end());
    const auto taken = reader.feed({exact.data(), exact.size()});
    made.taken += taken;
    if (taken < piece.size()) CHECK((reader.done() || reader.failure()));
  }
  if (end) reader.feed_end();
  made.text = told(reader);
  made.failed = reader.failure().has_value();
  return made;
}

/// Reads an answer whole, cut in two at every byte, and byte by byte: the same each time.
outcome read(const std::string& answer, const answer_limits& limits = {}, rule body = rule::read,
             bool end = false) {
  const auto whole = read_pieces({answer}, limits, body, end);
  INFO(answer);
  for (std::size_t cut = 1; cut < answer.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(read_pieces({answer.substr(0, cut), answer.substr(cut)}, limits, body, end) == whole);
  }
  std::vector<std::string> bytes;
  for (const char each : answer) bytes.emplace_back(1, each);
  CHECK(read_pieces(bytes, limits, body, end) == whole);
  return whole;
}

std::string result(const std::string& answer, bool end = false) {
  return read(answer, {}, rule::read, end).text;
}

const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("an answer's head says where its body ends", "[answer_reader]") {
  CHECK(result("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd") == "11 200 'OK' Content-Length=3 [abc]");
  CHECK(result("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nx") == "11 200 'OK' Content-Length=0 []");
  CHECK(result("HTTP/1.0 200 OK\r\n\r\nabc") == "more body");
  CHECK(result("HTTP/1.0 200 OK\r\n\r\nabc", true) == "10 200 'OK' [abc]");
  CHECK(result("HTTP/1.0 200 OK\r\n\r\n", true) == "10 200 'OK' []");
  CHECK(result(chunked + "3\r\nabc\r\n02;x;y=\"z\"\r\nde\r\n0\r\nT: t\r\n\r\nmore") ==
        "11 200 'OK' Transfer-Encoding=chunked [abcde]");
  CHECK(result(chunked + "A\r\n0123456789\r\n000\r\n\r\n") ==
        "11 200 'OK' Transfer-Encoding=chunked [0123456789]");
  CHECK(result("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc") == "11 204 'No' Content-Length=3 []");
  CHECK(result("HTTP/1.1 304 Not\r\n\r\nabc") == "11 304 'Not' []");
  CHECK(result("HTTP/1.1 101 Switch\r\n\r\n\x81") == "11 101 'Switch' []");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", {}, rule::none).text ==
        "11 200 'OK' Content-Length=3 []");
}

TEST_CASE("bytes behind an answer are not taken", "[answer_reader]") {
  for (const std::string answer :
       {"HTTP/1.1 101 Switch\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"})
    CHECK(read(answer + "\r\n").taken == answer.size());
  CHECK(read(chunked + "0\r\n\r\n" + "\r\n").taken == chunked.size() + 5);
}

TEST_CASE("interim answers are skipped", "[answer_reader]") {
  for (const char* status : {"100 Continue", "102 Processing", "103", "199 Word"}) {
    const std::string interim =
        "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 5\r\nLink: a\r\n\r\n";
    CHECK(result(interim + interim + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na") ==
          "11 200 'OK' Content-Length=1 [a]");
    CHECK(result(interim) == "more head");
  }
}

TEST_CASE("a status line may lack its reason phrase", "[answer_reader]") {
  CHECK(result("HTTP/1.1 204\r\n\r\n") == "11 204 'No Content' []");
  CHECK(result("HTTP/1.1 204 \r\n\r\n") == "11 204 'No Content' []");
  CHECK(result("HTTP/1.1 204\r\nA: b\r\n\r\n") == "11 204 'No Content' A=b []");
  CHECK(result("HTTP/1.1 204 Not a \xe9 word\r\n\r\n") == "11 204 'Not a \xe9 word' []");
}

TEST_CASE("what is not HTTP is refused as soon as that can be seen", "[answer_reader]") {
  for (const char* answer :
       {"SSH-2.0-x", "HTTP/2", "HTTP/1.x", "http/1.1", "HTTP/1.1 2x", "HTTP/1.1  ", "\r\n",
        "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nA: b\n\r\n", "HTTP/1.1 200\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"})
    CHECK(result(answer).starts_with("malformed: "));
  for (const char* body :
       {"\r\n", "x\r\n", "-1\r\n", "0x1\r\n", "10000000000000000\r\n", "1\n", "1 \r\n", "1;\r\n", "1;a=\r\n",
        "1 a\r\n", "1\r\nab", "1\r\na\n", "0\r\nA\r\n\r\n", "0\r\nA: b\n\r\n", "0\r\n\n"})
    CHECK(result(chunked + body).starts_with("malformed: "));
}

TEST_CASE("an answer that ends too early is incomplete, or what it was before", "[answer_reader]") {
  for (const std::string& answer :
       {std::string(), std::string("HTTP/1.1 100 Go on\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"), chunked, chunked + "1",
        chunked + "1\r\n", chunked + "1\r\na", chunked + "1\r\na\r\n", chunked + "0\r\n",
        chunked + "0\r\nA: b\r\n"})
    CHECK(result(answer, true) == "incomplete: partial message");
  CHECK(result("HTTP/1.1 200 OK\r\nA B\r\n", true) == "malformed: bad field");
  CHECK(result("HTTP/1.1 204 No\r\n\r\n", true) == "11 204 'No' []");
}

// Each part of an answer that fits its limit exactly is taken, and one byte more is refused by name.
TEST_CASE("each part of an answer is bounded", "[answer_reader]") {
  struct bounded {
    std::size_t answer_limits::* limit;
    std::function<std::string(std::size_t)> answer;  ///< with a part of so many bytes
    std::string what;
  };
  const auto some = [](std::size_t size) { return std::string(size, 'x'); };
  const std::vector<bounded> parts = {
      {&answer_limits::head,
       [&](std::size_t n) { return "HTTP/1.1 204 No\r\nA: " + some(n - 24) + "\r\n\r\n"; },
       "the head of the server's answer is"},
      {&answer_limits::interim,
       [&](std::size_t n) {
         return "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 103 " + some(n - 35) + "\r\n\r\nHTTP/1.1 204 No\r\n\r\n";
       },
       "the interim answers before the server's answer are"},
      {&answer_limits::chunk_line, [&](std::size_t n) { return chunked + "0;" + some(n - 4) + "\r\n\r\n"; },
       "a chunk line of the server's answer is"},
      {&answer_limits::chunk_line,
       [&](std::size_t n) { return chunked + std::string(n - 2, '0') + "\r\n\r\n"; },
       "a chunk line of the server's answer is"},
      {&answer_limits::chunk_lines,
       [&](std::size_t n) {
         return chunked + "1;" + some(26) + "\r\na\r\n1\r\nb\r\n0;" + some(n + 6) + "\r\n\r\n";
       },
       "the chunk lines of the server's answer are"},
      {&answer_limits::trailers,
       [&](std::size_t n) { return chunked + "0\r\nA: " + some(n - 7) + "\r\n\r\n"; },
       "the trailers of the server's answer are"},
      {&answer_limits::body,
       [&](std::size_t n) {
         return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(n) + "\r\n\r\n" + some(n);
       },
       "the server's answer is"},
      {&answer_limits::body, [&](std::size_t n) { return "HTTP/1.1 200 OK\r\n\r\n" + some(n); },
       "the server's answer is"},
      {&answer_limits::body,
       [&](std::size_t n) {
         return chunked + "2\r\nab\r\n" + std::to_string(n - 2) + "\r\n" + some(n - 2) + "\r\n0\r\n\r\n";
       },
       "the server's answer is"},
  };
  for (const auto& part : parts) {
    answer_limits limits;
    const std::size_t limit = part.limit == &answer_limits::body ? 11 : 80;
    limits.*part.limit = limit;
    INFO(part.what);
    const auto fits = read(part.answer(limit), limits, rule::read, true).text;
    CHECK((fits.starts_with("11 20") && fits.ends_with("]")));
    CHECK(read(part.answer(limit + 1), limits, rule::read, true).text ==
          "too large: " + part.what + " larger than the limit of " + std::to_string(limit) + " bytes");
  }
}

// The limit on a body is ours: Beast's own one of 8 MiB stays out of it.
TEST_CASE("a body may be as long as its limit says", "[answer_reader]") {
  constexpr std::size_t limit = std::size_t{9} << 20;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  CHECK(read(head + std::to_string(limit) + "\r\n\r\n", {.body = limit}).text == "more body");
  CHECK(read(head + std::to_string(limit + 1) + "\r\n\r\n", {.body = limit}).text ==
        "too large: the server's answer is larger than the limit of 9437184 bytes");
}

// A part without an end is refused at its limit: no more than that was taken or kept.
TEST_CASE("a part without an end is refused at its limit", "[answer_reader]") {
  const answer_limits limits;
  const std::string flood(std::size_t{1} << 18, '0');
  const auto endless = [&](const std::string& begin, std::size_t limit, const std::string& what) {
    const auto refused = read_pieces({begin, flood}, limits, rule::read, false);
    CHECK(refused.text.find(what + " larger than the limit of " + std::to_string(limit) + " bytes") !=
          std::string::npos);
    CHECK(refused.taken <= begin.size() + limit);
  };
  endless("HTTP/1.1 200 ", 65'536, "the head of the server's answer is");
  endless(chunked, 4'096, "a chunk line of the server's answer is");
  endless(chunked + "1;", 4'096, "a chunk line of the server's answer is");
  endless(chunked + "0\r\nA: ", 16'384, "the trailers of the server's answer are");
  std::string interims;
  while (interims.size() <= limits.interim) interims += "HTTP/1.1 100\r\n\r\n";
  endless(interims, 65'536, "the interim answers before the server's answer are");
}

// RFC 9110, 5.3; a cookie's date has a comma of its own.
TEST_CASE("lines of the same name are a list, those of Set-Cookie are not", "[answer_reader]") {
  answer_head head;
  head.fields = {{"A", "1"}, {"Set-Cookie", "x=1"}, {"a", "2, 3"}, {"B", ""}, {"SET-COOKIE", "y=2"}};
  CHECK(head.list("a") == "1, 2, 3");
  CHECK(head.list("b") == "");
  CHECK_FALSE(head.list("c"));
  CHECK(head.list("set-cookie") == "x=1");
  REQUIRE(head.first("A") != nullptr);
  CHECK(*head.first("A") == "1");
  CHECK(head.first("c") == nullptr);
}

// Beast's own parser, given the answer in one piece, is of the same opinion.
TEST_CASE("answers are judged as by Beast's parser", "[answer_reader]") {
  const std::vector<std::string> heads = {"HTTP/1.1 200 OK\r\n",
                                          "HTTP/1.0 404 Not Found\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n",
                                          "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
                                          "HTTP/1.1 200 OK\r\nConnection: (\r\n"};
  const std::vector<std::string> bodies = {"",
                                           "abcd",
                                           "0\r\n\r\n",
                                           "4\r\nabcd\r\n0\r\n\r\n",
                                           "4 ; a = \"b\\\"c\" ;d\r\nabcd\r\n00;x\r\nA: b\r\n\r\n",
                                           "4;\"\r\nabcd\r\n0\r\n\r\n",
                                           "4; a\t\r\nabcd\r\n0\r\n\r\n",
                                           "ffffffffffffffff1\r\n",
                                           "4\r\nabcde\r\n0\r\n\r\n"};
  for (const auto& head : heads) {
    for (const auto& body : bodies) {
      http::response_parser<http::string_body> parser;
      parser.eager(true);
      boost::system::error_code error;
      const std::string answer = head + "\r\n" + body;
      const std::size_t taken = parser.put(boost::asio::buffer(answer), error);
      if (error == http::error::need_more) error = {};
      if (!error && !parser.is_done()) parser.put_eof(error);
      const auto ours = read(answer, {}, rule::read, true);
      INFO(answer);
      REQUIRE((error || parser.is_done()));
      if (error) {
        const std::string kind = error == http::error::partial_message ? "incomplete: " : "malformed: ";
        CHECK(ours.text == kind + error.message());
      } else {
        CHECK(ours.text.ends_with("[" + parser.get().body() + "]"));
        CHECK(ours.taken == taken);
      }
    }
  }
}
