#include "protocol/codec/compression.hpp"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

constexpr std::size_t step = 64 * 1024;

std::string over(std::size_t ceiling) {
  return fmt::format("the decompressed bytes exceed the limit of {}", ceiling);
}

int window_bits(transform_kind kind) {
  return kind == transform_kind::gzip ? 15 + 16 : kind == transform_kind::deflate ? -15 : 15;
}

std::string inflate_zlib(transform_kind kind, bytes_view from, std::size_t ceiling,
                         std::vector<std::uint8_t>& out) {
  if (from.size() > std::numeric_limits<uInt>::max()) return "the compressed bytes are too many";
  z_stream stream{};
  if (inflateInit2(&stream, window_bits(kind)) != Z_OK) return "zlib cannot start";
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(from.data());  // zlib does not write there
  stream.avail_in = static_cast<uInt>(from.size());
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (out.size() > ceiling) return over(ceiling);
    const std::size_t at = out.size();
    out.resize(at + step);
    stream.next_out = out.data() + at;
    stream.avail_out = static_cast<uInt>(step);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(at + step - stream.avail_out);
    if (state == Z_BUF_ERROR || (state == Z_OK && stream.avail_in == 0 && stream.avail_out != 0))
      return "the compressed bytes end too early";
    if (state != Z_OK && state != Z_STREAM_END)
      return fmt::format("not compressed as stated ({})", stream.msg != nullptr ? stream.msg : "bad data");
  }
  if (out.size() > ceiling) return over(ceiling);
  return stream.avail_in == 0 ? std::string() : "bytes are left over after the compressed ones";
}

std::string inflate_brotli(bytes_view from, std::size_t ceiling, std::vector<std::uint8_t>& out) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) return "brotli cannot start";
  std::size_t left = from.size();
  const std::uint8_t* next = from.data();
  BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
  while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
    if (out.size() > ceiling) return over(ceiling);
    const std::size_t at = out.size();
    out.resize(at + step);
    std::uint8_t* to = out.data() + at;
    std::size_t room = step;
    result = BrotliDecoderDecompressStream(state.get(), &left, &next, &room, &to, nullptr);
    out.resize(at + step - room);
  }
  if (out.size() > ceiling) return over(ceiling);
  if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return "the compressed bytes end too early";
  if (result != BROTLI_DECODER_RESULT_SUCCESS)
    return fmt::format("not compressed as stated ({})",
                       BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state.get())));
  return left == 0 ? std::string() : "bytes are left over after the compressed ones";
}

std::string inflate_zstd(bytes_view from, std::size_t ceiling, std::vector<std::uint8_t>& out) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             ZSTD_freeDStream);
  if (!stream) return "zstd cannot start";
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 24);  // a frame must not ask for much memory
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  std::size_t hint = 1;
  while (hint != 0 || in.pos < in.size) {
    if (out.size() > ceiling) return over(ceiling);
    const std::size_t at = out.size();
    out.resize(at + step);
    ZSTD_outBuffer to{out.data() + at, step, 0};
    const std::size_t before = in.pos;
    hint = ZSTD_decompressStream(stream.get(), &to, &in);
    out.resize(at + to.pos);
    if (ZSTD_isError(hint) != 0) return fmt::format("not compressed as stated ({})", ZSTD_getErrorName(hint));
    if (hint != 0 && in.pos == in.size && to.pos < to.size) return "the compressed bytes end too early";
    if (hint != 0 && in.pos == before && to.pos == 0) return "the compressed bytes end too early";
  }
  return out.size() > ceiling ? over(ceiling) : std::string();
}

bool deflate_zlib(transform_kind kind, bytes_view from, std::vector<std::uint8_t>& out) {
  if (from.size() > std::numeric_limits<uInt>::max()) return false;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(kind), 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return false;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
  const std::size_t at = out.size();
  out.resize(at + deflateBound(&stream, static_cast<uLong>(from.size())));
  stream.next_in = const_cast<Bytef*>(from.data());
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = out.data() + at;
  stream.avail_out = static_cast<uInt>(out.size() - at);
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(out.size() - stream.avail_out);
  return done;
}

std::string read_text(transform_kind kind, bytes_view from, std::size_t ceiling,
                      std::vector<std::uint8_t>& out) {
  const std::string_view text(reinterpret_cast<const char*>(from.data()), from.size());
  auto bytes = kind == transform_kind::hex ? parse_hex(text) : parse_base64(text);
  if (!bytes) return kind == transform_kind::hex ? "not hex digits, two for each byte" : "not base64";
  out = std::move(*bytes);
  return out.size() > ceiling ? fmt::format("the decoded bytes exceed the limit of {}", ceiling) : "";
}

void write_text(transform_kind kind, bytes_view from, std::vector<std::uint8_t>& out) {
  std::string text;
  kind == transform_kind::hex ? append_hex(text, from) : append_base64(text, from);
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

std::string decompress(transform_kind kind, bytes_view from, std::size_t ceiling,
                       std::vector<std::uint8_t>& out) {
  if (kind == transform_kind::brotli) return inflate_brotli(from, ceiling, out);
  if (kind == transform_kind::zstd) return inflate_zstd(from, ceiling, out);
  if (kind == transform_kind::hex || kind == transform_kind::base64)
    return read_text(kind, from, ceiling, out);
  return inflate_zlib(kind, from, ceiling, out);
}

bool compress(transform_kind kind, bytes_view from, std::vector<std::uint8_t>& out) {
  const std::size_t at = out.size();
  if (kind == transform_kind::hex || kind == transform_kind::base64) {
    write_text(kind, from, out);
    return true;
  }
  if (kind == transform_kind::brotli) {
    std::size_t size = std::max<std::size_t>(BrotliEncoderMaxCompressedSize(from.size()), 16);
    out.resize(at + size);
    const bool done =
        BrotliEncoderCompress(BROTLI_DEFAULT_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, from.size(),
                              from.data(), &size, out.data() + at) == BROTLI_TRUE;
    out.resize(at + size);
    return done;
  }
  if (kind == transform_kind::zstd) {
    out.resize(at + ZSTD_compressBound(from.size()));
    const std::size_t size = ZSTD_compress(out.data() + at, out.size() - at, from.data(), from.size(), 3);
    if (ZSTD_isError(size) != 0) return false;
    out.resize(at + size);
    return true;
  }
  return deflate_zlib(kind, from, out);
}

}  // namespace duplexd::protocol
