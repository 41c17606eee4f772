#include "daemon/net/http/digest.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>

#include "config/value/http_token.hpp"
#include "daemon/net/http/header_check.hpp"

namespace duplexd::net {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

void skip(std::string_view& text, std::string_view what) {
  text.remove_prefix(std::min(text.find_first_not_of(what), text.size()));
}

/// Takes a token from the front; empty if there is none.
std::string_view take_token(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && config::is_http_token(text.substr(size, 1))) ++size;
  const auto token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

/// Takes a token or a quoted text from the front.
std::string take_value(std::string_view& text) {
  if (!text.starts_with('"')) return std::string(take_token(text));
  std::string value;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    value += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return value;
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

/// A message digest of the challenge's algorithm, in hexadecimal.
struct hash {
  const EVP_MD* kind = nullptr;
  bool session = false;

  std::string operator()(const std::string& text) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, kind, nullptr) != 1) return {};
    return hexadecimal(std::span(bytes).first(size));
  }
};

std::optional<hash> hash_of(std::string_view algorithm) {
  std::string name = lower_case(algorithm);
  constexpr std::string_view suffix = "-sess";
  hash found;
  found.session = name.ends_with(suffix);
  if (found.session) name.resize(name.size() - suffix.size());
  if (name.empty() || name == "md5")
    found.kind = EVP_md5();
  else if (name == "sha-256")
    found.kind = EVP_sha256();
  else if (name == "sha-512-256")
    found.kind = EVP_sha512_256();
  else
    return std::nullopt;
  return found;
}

/// Whether the challenge takes "auth"; nothing if it takes only what is not known here.
std::optional<bool> protection_of(std::string_view wanted) {
  if (wanted.empty()) return false;
  while (!wanted.empty()) {
    skip(wanted, " \t,");
    const auto each = take_token(wanted);
    if (is_same_header(each, "auth")) return true;
    if (each.empty()) break;
  }
  return std::nullopt;
}

std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string answer(const http_challenge& challenge, const hash& digest, bool protects,
                   const digest_request& request) {
  const std::string realm(challenge.value("realm"));
  const std::string nonce(challenge.value("nonce"));
  constexpr std::string_view count = "00000001";
  const bool hides_user = is_same_header(challenge.value("userhash"), "true");
  std::string secret = digest(request.username + ':' + realm + ':' + request.password);
  if (digest.session) secret = digest(secret + ':' + nonce + ':' + request.cnonce);
  const std::string what = digest(request.method + ':' + request.target);
  const std::string middle =
      protects ? nonce + ':' + std::string(count) + ':' + request.cnonce + ":auth" : nonce;

  std::string text = "Digest username=";
  text += quoted_string(hides_user ? digest(request.username + ':' + realm) : request.username);
  text += ", realm=" + quoted_string(realm) + ", nonce=" + quoted_string(nonce) +
          ", uri=" + quoted_string(request.target);
  if (const auto name = challenge.value("algorithm"); !name.empty()) text.append(", algorithm=").append(name);
  text += ", response=\"" + digest(secret + ':' + middle + ':' + what) + '"';
  if (const auto opaque = challenge.value("opaque"); !opaque.empty())
    text += ", opaque=" + quoted_string(opaque);
  if (protects) text.append(", qop=auth, nc=").append(count);
  if (protects || digest.session) text += ", cnonce=" + quoted_string(request.cnonce);
  if (hides_user) text += ", userhash=true";
  return text;
}

}  // namespace

std::string make_cnonce() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  return hexadecimal(bytes);
}

std::string_view http_challenge::value(std::string_view name) const noexcept {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& each) { return each.first == name; });
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

// A word without '=' behind it is a scheme: the commas between challenges look like those between parameters.
std::vector<http_challenge> read_challenges(std::string_view header) {
  std::vector<http_challenge> found;
  for (;;) {
    skip(header, " \t,");
    const auto name = take_token(header);
    if (name.empty()) return found;
    std::string_view rest = header;
    skip(rest, " \t");
    if (!rest.starts_with('=')) {
      found.push_back({lower_case(name), {}});
      continue;
    }
    rest.remove_prefix(1);
    skip(rest, " \t");
    std::string value = take_value(rest);
    if (!found.empty()) found.back().parameters.emplace_back(lower_case(name), std::move(value));
    header = rest;
  }
}

std::optional<std::string> answer_digest(std::string_view header, const digest_request& request) {
  for (const http_challenge& each : read_challenges(header)) {
    if (each.scheme != "digest" || each.value("nonce").empty()) continue;
    const auto digest = hash_of(each.value("algorithm"));
    const auto protects = protection_of(each.value("qop"));
    if (digest && protects) return answer(each, *digest, *protects, request);
  }
  return std::nullopt;
}

}  // namespace duplexd::net
