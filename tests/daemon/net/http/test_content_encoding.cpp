// Answers that are compressed although nobody asked for it. zlib itself writes them.
#include <zlib.h>

#include <string>

#include "daemon/net/http/content_encoding.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;

/// `window`: 31 for gzip, 15 for zlib, -15 for neither.
std::string compressed(const std::string& text, int window) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct outcome {
  decoding how;
  std::string body;
};

outcome decoded(const std::string& encoding, std::string body, std::size_t limit = 1'000'000) {
  const auto how = decode_content(encoding, body, limit);
  return {how, std::move(body)};
}

const std::string text = R"({"token": "T1"})";

}  // namespace

TEST_CASE("each compression that HTTP/1 knows of is undone", "[encoding]") {
  for (const auto& [encoding, window] : {std::pair{"gzip", 31}, std::pair{"X-GZip", 31},
                                         std::pair{"deflate", 15}, std::pair{"deflate", -15}}) {
    INFO(encoding << window);
    const auto one = decoded(encoding, compressed(text, window));
    CHECK(one.how == decoding::done);
    CHECK(one.body == text);
    const std::string large(300'000, 'x');
    CHECK(decoded(encoding, compressed(large, window)).body == large);
    CHECK(decoded(encoding, compressed("", window)).body.empty());
  }
  CHECK(decoded("gzip", compressed("one ", 31) + compressed("two", 31)).body == "one two");
}

TEST_CASE("what is not known stays, and what is not an answer of HEAD is nothing", "[encoding]") {
  for (const char* encoding : {"identity", "br", "gzip, gzip", ""}) {
    const auto same = decoded(encoding, "as it came");
    CHECK(same.how == decoding::unknown);
    CHECK(same.body == "as it came");
  }
  CHECK(decoded("gzip", "").how == decoding::done);
}

TEST_CASE("what was cut off or damaged is not taken for a body", "[encoding]") {
  const std::string whole = compressed(text, 31);
  for (std::size_t size = 1; size < whole.size(); ++size)
    CHECK(decoded("gzip", whole.substr(0, size)).how == decoding::corrupt);
  CHECK(decoded("gzip", whole + "x").how == decoding::corrupt);
  CHECK(decoded("gzip", text).how == decoding::corrupt);
  CHECK(decoded("deflate", text).how == decoding::corrupt);
  auto damaged = whole;
  damaged[whole.size() - 6] = static_cast<char>(damaged[whole.size() - 6] ^ 1);  // the checksum
  CHECK(decoded("gzip", damaged).how == decoding::corrupt);
}

TEST_CASE("the limit is on what is decompressed", "[encoding]") {
  const std::string bomb = compressed(std::string(1'000'000, '\0'), 31);
  CHECK(bomb.size() < 2'000);
  CHECK(decoded("gzip", bomb, 1'000'000).how == decoding::done);
  CHECK(decoded("gzip", bomb, 999'999).how == decoding::too_large);
}
