#include "protocol/codec/compression.hpp"

#include <sys/mman.h>

#include <random>

#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::pair<const char*, transform_kind> kinds[] = {{"zlib", transform_kind::zlib},
                                                            {"gzip", transform_kind::gzip},
                                                            {"deflate", transform_kind::deflate},
                                                            {"brotli", transform_kind::brotli},
                                                            {"zstd", transform_kind::zstd}};

bytes compressed(transform_kind kind, const bytes& from) {
  bytes out{0xee};
  REQUIRE(compress(kind, from, out));
  CHECK(out[0] == 0xee);  // appended
  return {out.begin() + 1, out.end()};
}

// What decompression says; the bytes lie in a buffer of exactly their size.
std::string outcome(transform_kind kind, bytes from, std::size_t ceiling, bytes& out) {
  from.shrink_to_fit();
  out.clear();
  return decompress(kind, from, ceiling, out);
}
std::string outcome(transform_kind kind, const bytes& from, std::size_t ceiling = 1 << 20) {
  bytes out;
  return outcome(kind, from, ceiling, out);
}

bytes noise(std::size_t size) {
  std::mt19937 random(5);
  bytes out(size);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

const std::string too_early = "the compressed bytes end too early";
const std::string left_over = "bytes are left over after the compressed ones";

}  // namespace

// Around each whole number of the steps that output is made in, with bytes that shrink and bytes that do not.
TEST_CASE("bytes go there and back, up to the ceiling") {
  constexpr std::size_t step = 64 * 1024;
  for (const auto& [name, kind] : kinds)
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100}, step - 1, step, step + 1,
                                   2 * step, 2 * step + 1, 5 * step})
      for (const bool shrinks : {true, false}) {
        INFO(name << " " << size << " " << shrinks);
        const bytes plain = shrinks ? bytes(size, 'a') : noise(size);
        const bytes packed = compressed(kind, plain);
        bytes again;
        CHECK(outcome(kind, packed, size, again).empty());
        CHECK((again == plain));
        if (size > 0)
          CHECK(outcome(kind, packed, size - 1) ==
                "the decompressed bytes exceed the limit of " + std::to_string(size - 1));
        CHECK(outcome(kind, packed, size + 1, again).empty());
      }
}

TEST_CASE("compressed bytes that are cut off, wherever") {
  for (const auto& [name, kind] : kinds)
    for (const bytes& plain : {bytes(1000, 'a'), noise(100)}) {
      INFO(name);
      const bytes packed = compressed(kind, plain);
      for (std::size_t size = 0; size < packed.size(); ++size)
        CHECK(outcome(kind, {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)}) ==
              too_early);
    }
}

TEST_CASE("bytes behind the compressed ones") {
  for (const auto& [name, kind] : kinds) {
    INFO(name);
    bytes packed = compressed(kind, bytes(1000, 'a'));
    packed.push_back(kind == transform_kind::zstd ? 0x28 : 'x');
    if (kind != transform_kind::zstd) {
      CHECK(outcome(kind, packed) == left_over);
      continue;
    }
    // Of zstd one frame may follow another, and this may be the first byte of one.
    CHECK(outcome(kind, packed) == too_early);
    packed.insert(packed.end(), {'y', 'z', 'z', 'y'});
    CHECK(outcome(kind, packed).starts_with("not compressed as stated ("));
    bytes twice = compressed(kind, {1, 2});
    const bytes second = compressed(kind, {3});
    twice.insert(twice.end(), second.begin(), second.end());
    bytes out;
    CHECK(outcome(kind, twice, 3, out).empty());
    CHECK(out == bytes{1, 2, 3});
    CHECK(outcome(kind, twice, 2) == "the decompressed bytes exceed the limit of 2");
  }
}

// The form of each kind is its own: none takes another's.
TEST_CASE("each kind is told from the others") {
  CHECK(compressed(transform_kind::zlib, {'a'}).front() == 0x78);
  CHECK(compressed(transform_kind::gzip, {'a'}).front() == 0x1f);
  CHECK(compressed(transform_kind::zstd, {'a'}).front() == 0x28);
  CHECK(compressed(transform_kind::deflate, {'a'}) == *parse_hex("4b0400"));
  const bytes plain(300, 'a');
  for (const auto& [name, kind] : kinds)
    for (const auto& [other_name, other] : kinds) {
      INFO(name << " as " << other_name);
      CHECK(outcome(other, compressed(kind, plain)).empty() == (kind == other));
    }
  CHECK(outcome(transform_kind::zlib, {'x', 'x', 'x', 'x'}) ==
        "not compressed as stated (incorrect header check)");
  CHECK(outcome(transform_kind::brotli, bytes(20, 0xff)).starts_with("not compressed as stated ("));
  bytes spoilt = compressed(transform_kind::zlib, plain);
  spoilt.back() ^= 1;
  CHECK(outcome(transform_kind::zlib, spoilt) == "not compressed as stated (incorrect data check)");
}

// A zstd frame says how much memory it wants: 2^24 bytes are enough for all that may come out.
TEST_CASE("zstd frames that ask for much memory are refused") {
  const std::string end = "010000";
  CHECK(outcome(transform_kind::zstd, *parse_hex("28b52ffd0070" + end)).empty());
  CHECK(outcome(transform_kind::zstd, *parse_hex("28b52ffd0071" + end))
            .starts_with("not compressed as stated ("));
  CHECK(outcome(transform_kind::zstd, *parse_hex("28b52ffd0078" + end))
            .starts_with("not compressed as stated ("));
}

// zlib counts its input in 32 bits. The memory is never touched.
TEST_CASE("more than zlib can count is refused") {
  constexpr std::size_t size = std::size_t{1} << 32;
  void* const memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  const bytes_view huge(static_cast<const std::uint8_t*>(memory), size);
  for (const transform_kind kind : {transform_kind::zlib, transform_kind::gzip, transform_kind::deflate}) {
    bytes out;
    CHECK(decompress(kind, huge, 100, out) == "the compressed bytes are too many");
    CHECK_FALSE(compress(kind, huge, out));
    CHECK(out.empty());
  }
  CHECK(munmap(memory, size) == 0);
}
