#include "daemon/net/http/content_encoding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "daemon/net/http/header_check.hpp"

namespace duplexd::net {
namespace {

constexpr std::size_t piece = std::size_t{16} << 10;
constexpr int raw = -15;
constexpr int gzip_or_zlib = 15 + 32;

decoding inflate_all(std::string_view in, int window, std::size_t limit, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> owner(&stream, &inflateEnd);
  stream.next_in =
      const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(in.size());
  std::array<char, piece> room{};
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = room.size() - stream.avail_out;
    if (got > limit - out.size()) return decoding::too_large;
    out.append(room.data(), got);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return decoding::done;
      if (window != gzip_or_zlib || inflateReset(&stream) != Z_OK) return decoding::corrupt;  // a next member
    } else if (result != Z_OK) {
      return decoding::corrupt;
    }
  }
}

}  // namespace

decoding decode_content(std::string_view encoding, std::string& body, std::size_t limit) {
  const bool deflate = is_same_header(encoding, "deflate");
  if (!deflate && !is_same_header(encoding, "gzip") && !is_same_header(encoding, "x-gzip"))
    return decoding::unknown;
  if (body.empty()) return decoding::done;  // of HEAD, 204, 304
  std::string plain;
  auto how = inflate_all(body, gzip_or_zlib, limit, plain);
  if (how == decoding::corrupt && deflate) {
    plain.clear();
    how = inflate_all(body, raw, limit, plain);
  }
  if (how == decoding::done) body = std::move(plain);
  return how;
}

}  // namespace duplexd::net
