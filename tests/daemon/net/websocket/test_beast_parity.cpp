// Our reader of frames beside Beast's, over many conversations of a peer that mostly keeps to the rules. The
// fuzzer net_reader compares the same two with bytes of any kind.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.hpp"
#include "tests/daemon/net/raw_peer.hpp"
#include "tests/daemon/net/websocket/beast_oracle.hpp"

namespace {

using namespace duplexd::net;
using namespace duplexd::net::test;
namespace test = duplexd::net::test;

constexpr std::uint64_t message_limit = 70'000;

/// Frames as a peer sends them, mostly right.
class conversation_writer {
 public:
  conversation_writer(std::mt19937& random, bool masked) : random_(random), masked_(masked) {}

  std::string conversation() {
    std::string bytes;
    for (auto count = below(8); count > 0; --count) bytes += one_in(3) ? fragments() : whole();
    if (one_in(3)) bytes += close();
    if (one_in(3) && !bytes.empty()) {
      const int bit = 1 << below(8);
      char& byte = bytes[below(std::min<std::size_t>(bytes.size(), 40))];
      byte = static_cast<char>(byte ^ bit);
    }
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(unsigned many) { return random_() % many == 0; }

  std::string content(bool text) {
    static constexpr std::string_view good[] = {"plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                                "longer plain text"};
    static constexpr std::size_t sizes[] = {0, 1, 7, 60, 125, 126, 300, 1536, 65535, 65536};
    const std::size_t size = sizes[below(one_in(20) ? 10 : 7)];
    std::string made;
    if (!text) return std::string(size, static_cast<char>(below(256)));
    while (made.size() < size) made += one_in(300) ? std::string_view("\xed\xa0\x80") : good[below(5)];
    return made;
  }
  std::string control() { return frame(one_in(2) ? 0x89 : 0x8a, std::string(below(126), 'p')); }

  std::string close() {
    static constexpr std::string_view codes[] = {"\x03\xe8", "\x0f\xa1", "\x03\xe7", "\x03\xed",
                                                 "\x07\xd0", "\x03\xf6", "\x13\x88"};
    if (one_in(5)) return frame(0x88, std::string(below(2), 'x'));
    return frame(0x88,
                 std::string(codes[one_in(3) ? below(7) : below(2)]) + content(true).substr(0, below(100)));
  }

  std::string whole() {
    const bool text = one_in(2);
    return (one_in(4) ? control() : "") + frame(text ? 0x81 : 0x82, content(text));
  }
  std::string fragments() {
    const bool text = one_in(2);
    std::string left = content(text);
    std::string bytes;
    std::uint8_t first = text ? 1 : 2;
    for (auto count = below(4); count > 0; --count) {
      const std::size_t size = one_in(3) ? 0 : below(left.size() + 1);
      bytes += frame(first, left.substr(0, size));
      if (one_in(3)) bytes += control();
      left.erase(0, size);
      first = 0;
    }
    return bytes + frame(first | 0x80, left);
  }

  std::string frame(std::uint8_t first, std::string_view payload) const {
    return masked_ ? masked_frame(first, payload) : test::frame(first, payload);
  }

  std::mt19937& random_;
  bool masked_;
};

}  // namespace

TEST_CASE("whatever comes is read as Beast alone would read it") {
  const auto role = GENERATE(endpoint_role::client, endpoint_role::server);
  std::mt19937 random(20261121);
  conversation_writer writer(random, role == endpoint_role::server);
  int seen[3] = {};
  for (int i = 0; i < 1'500; ++i) {
    const std::string bytes = writer.conversation();
    std::vector<std::uint8_t> pieces(random() % 6);
    for (auto& size : pieces) size = static_cast<std::uint8_t>(random() % 4 == 0 ? random() % 7 : random());
    INFO("conversation " << i << " of " << bytes.size() << " bytes");
    REQUIRE(disagreement(bytes, role, message_limit, pieces).empty());
    ++seen[static_cast<int>(read_by_us(bytes, role, message_limit, pieces).end)];
  }
  for (const int count : seen) CHECK(count > 100);
}

// RFC 6455, 7.4.2: no codes above 4999.
TEST_CASE("a close code that Beast takes and RFC 6455 does not know is refused") {
  const std::string bytes = test::frame(0x82, "a") + test::frame(0x88, "\x13\x88");
  const auto ours = read_by_us(bytes, endpoint_role::client, message_limit, {});
  const auto theirs = read_by_beast(bytes, endpoint_role::client, message_limit, {});
  CHECK(ours.messages == theirs.messages);
  CHECK(ours.end == reading::end_kind::refused);
  CHECK(theirs.end == reading::end_kind::closed);
  CHECK(theirs.code == 5000);
}
