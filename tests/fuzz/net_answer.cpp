#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/net/http/answer_reader.hpp"

namespace {

using namespace duplexd::net;
namespace http = boost::beast::http;

constexpr answer_limits limits{
    .head = 200, .interim = 150, .chunk_line = 40, .chunk_lines = 50, .trailers = 60, .body = 100};

void require(bool holds) {
  if (!holds) std::abort();
}

answer_reader read(std::string_view bytes, std::size_t piece, const answer_limits& most, std::size_t& taken) {
  answer_reader reader(most);
  taken = 0;
  while (taken < bytes.size() && !reader.done() && !reader.failure())
    taken += reader.feed(bytes.substr(taken, piece));
  reader.feed_end();
  return reader;
}

/// However the bytes are cut, the answer is the same, and within the limits.
void check_pieces(std::string_view bytes) {
  std::size_t taken = 0;
  const auto whole = read(bytes, bytes.size(), limits, taken);
  require(whole.done() != whole.failure().has_value());
  require(whole.body().size() <= limits.body);
  for (const std::size_t piece : {1, 2, 3, 7, 40}) {
    std::size_t taken_so = 0;
    const auto part = read(bytes, piece, limits, taken_so);
    require(part.done() == whole.done());
    require(part.body() == whole.body());
    require(part.head().fields == whole.head().fields);
    if (whole.done())
      require(taken == taken_so);
    else
      require(part.failure()->text == whole.failure()->text);
  }
}

/// What Beast's parser makes of an answer, in one piece, we make of it, too.
void check_beast(std::string_view bytes) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more) error = {};
  if (!error && parser.got_some() && !parser.is_done()) parser.put_eof(error);
  if (error || !parser.is_done() || parser.get().result_int() < 200) return;
  std::size_t taken = 0;
  const auto reader = read(bytes, bytes.size(), answer_limits(), taken);
  // Beast lets a quoted value in a chunk's line hold a line break. RFC 9110, 5.6.4 does not: there the line
  // ends.
  if (!reader.done() && bytes.find('"') != std::string_view::npos) return;
  require(reader.done());
  require(reader.head().status == parser.get().result_int());
  require(reader.body() == parser.get().body());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  check_pieces(bytes);
  check_beast(bytes);
  return 0;
}
