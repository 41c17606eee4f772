// The limit: what the machine allows a client that does nothing but the row's work, on OpenSSL and sockets,
// with frames made and read by hand and nothing checked that is not needed. Usage: bench_limit ROW URL
// CA_FILE COUNT ROW: receive, deflate, line, send, echo, handshake, resumed, idle. Counts and sums go to
// stderr, lines to stdout.
#include <fmt/format.h>
#include <openssl/rand.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/link/frames.hpp"
#include "tests/bench/link/tls_client.hpp"

namespace {

using bench::tls_client;

/// Masking keys, unpredictable as RFC 6455, 10.3 asks, bought a thousand at a time.
const std::uint8_t* next_key() {
  static std::array<std::uint8_t, 4096> pool;
  static std::size_t used = pool.size();
  if (used == pool.size()) {
    RAND_bytes(pool.data(), static_cast<int>(pool.size()));
    used = 0;
  }
  used += 4;
  return pool.data() + used - 4;
}

void append_masked(std::string& out, std::uint8_t code, const void* payload, std::size_t size) {
  const std::uint8_t* key = next_key();
  bench::append_header(out, code, size, key);
  const auto* bytes = static_cast<const std::uint8_t*>(payload);
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(bytes[i] ^ key[i & 3]));
}

void report(std::int64_t count, std::int64_t sum) {
  fmt::print(stderr, "{{\"count\":{},\"sum\":{}}}\n", count, sum);
}

/// The head of a server's frame.
struct head {
  std::uint8_t code;
  std::size_t size;
  std::size_t length;
};
bool scan(const std::uint8_t* at, std::size_t available, head& out) {
  if (available < 2) return false;
  out.code = at[0] & 0x0f;
  out.length = at[1];
  out.size = 2;
  if (out.length == 126) {
    out.size = 4;
    if (available < out.size) return false;
    out.length = static_cast<std::size_t>(at[2] << 8 | at[3]);
  } else if (out.length == 127) {
    out.size = 10;
    if (available < out.size) return false;
    out.length = 0;
    for (int i = 2; i < 10; ++i) out.length = out.length << 8 | at[i];
  }
  return true;
}

/// Gives every data message to `take(payload, size here, code, length)`. Of a message that is not whole yet
/// only the beginning is looked at, the rest is skipped: nothing is copied.
template <class Take, class Turn>
void receive_all(tls_client& link, Take take, Turn turn) {
  std::vector<std::uint8_t> buffer(262144);
  constexpr std::size_t small = 4096;
  std::size_t held = 0;
  std::size_t skip = 0;
  std::string hello;
  append_masked(hello, bench::op_text, "{\"role\":\"bench\"}", 16);
  link.write(hello);
  while (const std::size_t got = link.read(buffer.data() + held, buffer.size() - held)) {
    held += got;
    const std::uint8_t* at = buffer.data();
    const std::uint8_t* const end = at + held;
    turn();
    for (head next{};;) {
      const std::size_t skipped = std::min(skip, static_cast<std::size_t>(end - at));
      at += skipped;
      skip -= skipped;
      const auto here = static_cast<std::size_t>(end - at);
      if (!scan(at, here, next) || here < next.size + std::min(next.length, small)) break;
      if (next.code >= bench::op_close) {
        std::string bye;
        append_masked(bye, bench::op_close, at + next.size, next.length);
        link.write(bye);
      } else {
        take(at + next.size, next.code, next.length);
      }
      skip = next.size + next.length;
    }
    held = static_cast<std::size_t>(end - at);
    std::memmove(buffer.data(), at, held);
  }
}

void receive(tls_client& link) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  const auto take = [&](const std::uint8_t* payload, std::uint8_t code, std::size_t length) {
    ++count;
    sum += code == bench::op_text ? static_cast<std::int64_t>(length) : bench::number_of({payload, 4});
  };
  receive_all(link, take, [] {});
  report(count, sum);
}

/// The server compresses each message by itself.
void receive_deflated(tls_client& link) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) std::_Exit(1);
  std::vector<std::uint8_t> out(65536);
  const auto take = [&](const std::uint8_t* payload, std::uint8_t, std::size_t length) {
    inflateReset(&stream);
    stream.next_in = const_cast<std::uint8_t*>(payload);
    stream.avail_in = static_cast<uInt>(length);
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    inflate(&stream, Z_SYNC_FLUSH);
    ++count;
    sum += static_cast<std::int64_t>(stream.total_out);
  };
  receive_all(link, take, [] {});
  inflateEnd(&stream);
  report(count, sum);
}

std::string time_now() {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     now.time_since_epoch().count() % 1'000'000);
}

void write_out(const std::string& lines) {
  if (write(STDOUT_FILENO, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) std::_Exit(1);
}

/// The same line that duplexd writes. What the message holds, {"v":NUMBER}, is decoded and written as a
/// number again.
void receive_lines(tls_client& link) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::string lines;
  std::string line_start;
  lines.reserve(131072);
  const auto turn = [&] {
    if (lines.size() > 65536) {
      write_out(lines);
      lines.clear();
    }
    line_start = R"({"v":1,"time":")" + time_now() +
                 R"(","session":"bench","event":"reply","reply":"tick","data":{"id":)";
  };
  const auto take = [&](const std::uint8_t* payload, std::uint8_t, std::size_t length) {
    constexpr std::size_t before_number = 4 + 5;
    const std::int32_t id = bench::number_of({payload, 4});
    const char* text = reinterpret_cast<const char*>(payload);
    double value = 0;
    std::from_chars(text + before_number, text + length - 1, value);
    char digits[40];
    lines.append(line_start)
        .append(digits, std::to_chars(digits, digits + sizeof digits, id).ptr)
        .append(R"(,"body":{"v":)");
    lines.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr).append("}}}\n");
    ++count;
    sum += id;
  };
  receive_all(link, take, turn);
  write_out(lines);
  report(count, sum);
}

void send(tls_client& link, std::int64_t count) {
  constexpr std::size_t record = 16384;
  std::string out;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto number = static_cast<std::int32_t>(i & 0xffff);
    char command[5];
    std::memcpy(command, &number, 4);
    command[4] = 1;
    append_masked(out, bench::op_binary, command, sizeof command);
    if (out.size() > record - 16) {
      link.write(out);
      out.clear();
    }
  }
  link.write(out);
}

/// Reads until the server's close frame has been answered; the server checks what it was sent.
void await_end(tls_client& link) {
  std::array<std::uint8_t, 4096> buffer{};
  bool answered = false;
  while (link.read(buffer.data(), buffer.size()) > 0) {
    if (answered) continue;
    std::string bye;
    append_masked(bye, bench::op_close, "\x03\xe8", 2);
    link.write(bye);
    answered = true;
  }
}

void echo(tls_client& link) {
  const std::array<std::uint8_t, 16> ping{1};
  std::array<std::uint8_t, 256> buffer{};
  std::string out;
  do {
    out.clear();
    append_masked(out, bench::op_binary, ping.data(), ping.size());
    link.write(out);
    std::size_t got = 0;
    while (got < 4) {
      const std::size_t more = link.read(buffer.data() + got, buffer.size() - got);
      if (more == 0) std::_Exit(1);
      got += more;
    }
  } while ((buffer[0] & 0x0f) == bench::op_binary);
  out.clear();
  append_masked(out, bench::op_close, "\x03\xe8", 2);
  link.write(out);
  link.read(buffer.data(), buffer.size());
}

void handshakes(SSL_CTX* context, const bench::target& to, std::int64_t count, bool resume) {
  static SSL_SESSION* newest = nullptr;
  if (resume) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* fresh) {
      SSL_SESSION_free(newest);
      newest = fresh;
      return 1;
    });
  }
  for (std::int64_t i = 0; i <= count; ++i) {
    tls_client link(context, to, newest);
    await_end(link);
  }
}

void idle(SSL_CTX* context, const bench::target& to, std::int64_t count) {
  std::vector<std::unique_ptr<tls_client>> links;
  links.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) links.push_back(std::make_unique<tls_client>(context, to));
  pause();
}

}  // namespace

int main(int arguments, char** argument) {
  if (arguments != 5) {
    fmt::print(stderr, "usage: bench_limit ROW URL CA_FILE COUNT\n");
    return 2;
  }
  const std::string row = argument[1];
  const auto to = bench::target::parse(argument[2]);
  SSL_CTX* context = bench::make_client_context(argument[3]);
  const std::int64_t count = std::atoll(argument[4]);
  if (row == "handshake" || row == "resumed") {
    handshakes(context, to, count, row == "resumed");
    return 0;
  }
  if (row == "idle") {
    idle(context, to, count);
    return 0;
  }
  tls_client link(context, to);
  if (row == "receive") receive(link);
  if (row == "deflate") receive_deflated(link);
  if (row == "line") receive_lines(link);
  if (row == "send") {
    send(link, count);
    await_end(link);
  }
  if (row == "echo") echo(link);
  return 0;
}
