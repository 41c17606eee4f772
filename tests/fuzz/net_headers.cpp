// What servers put into header fields and bodies of HTTP answers, and what a program writes as a command. The
// first byte chooses which.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/input/command_request.hpp"
#include "daemon/link/cookie_jar.hpp"
#include "daemon/net/http/content_encoding.hpp"
#include "daemon/net/http/digest.hpp"

namespace {

using duplexd::net::decoding;

void expect(bool holds) {
  if (!holds) std::abort();
}

bool has_line_break(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

/// Each line is a Set-Cookie field.
void set_cookies(std::string_view text) {
  std::string error;
  const auto from = duplexd::config::parse_url("wss://ws.test.com/a/b", error);
  const auto to = duplexd::config::parse_url("wss://sub.ws.test.com/a/b/c", error);
  duplexd::cookie_jar jar;
  duplexd::cookie_jar::header_list headers;
  while (!text.empty()) {
    const auto end = text.find('\n');
    headers.emplace_back("Set-Cookie", text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  jar.note(*from, 200, headers, 1'800'000'000);
  std::string both = jar.header_for(*from, 1'800'000'001) + jar.header_for(*to, 1'800'000'001);
  expect(!has_line_break(both));
  expect(both.size() <= 2 * duplexd::cookie_jar::most_bytes);
  duplexd::cookie_jar::header_list request{{"Cookie", "a=b"}};
  duplexd::set_cookies(request, both);
  expect(request.size() == 1);
}

void answer_challenges(std::string_view header) {
  for (const auto& each : duplexd::net::read_challenges(header)) expect(!each.scheme.empty());
  const duplexd::net::digest_request request{"GET", "/", "user", "password", "cnonce"};
  const auto answer = duplexd::net::answer_digest(header, request);
  if (answer && !has_line_break(header)) expect(!has_line_break(*answer));
}

void decode(std::string_view encoding, std::string_view body) {
  constexpr std::size_t limit = 100'000;
  std::string made{body};
  const decoding how = duplexd::net::decode_content(encoding, made, limit);
  if (how == decoding::done) expect(made.size() <= limit);
  if (how == decoding::unknown) expect(made == body);
}

void read_command(std::string_view line) {
  duplexd::command_request out;
  std::string error;
  const bool good = duplexd::read_command_request(line, out, error);
  expect(good == error.empty());
  if (good) expect(!out.command.empty() && out.values.is_object());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 5) {
    case 0:
      set_cookies(rest);
      break;
    case 1:
      answer_challenges(rest);
      break;
    case 2:
      decode("gzip", rest);
      break;
    case 3:
      decode("deflate", rest);
      break;
    default:
      read_command(rest);
  }
  return 0;
}
