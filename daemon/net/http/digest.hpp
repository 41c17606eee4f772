#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duplexd::net {

/// What a Digest answer is made of, beside the challenge (RFC 7616, 3.4).
struct digest_request {
  std::string method;
  std::string target;  ///< path and query
  std::string username;
  std::string password;
  std::string cnonce;  ///< random
};

/// A new `cnonce` from the system's generator; empty if it gives none.
[[nodiscard]] std::string make_cnonce();

/// A scheme of a WWW-Authenticate header with its parameters, names and scheme in lower case.
struct http_challenge {
  std::string scheme;
  std::vector<std::pair<std::string, std::string>> parameters;

  /// Empty if it is absent.
  [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
};

/// The challenges of the header's lines, joined by commas (RFC 9110, 11.6.1). What cannot be read is left
/// out.
[[nodiscard]] std::vector<http_challenge> read_challenges(std::string_view header);

/// The value of the Authorization header that answers the first Digest challenge that is understood (MD5,
/// SHA-256, SHA-512-256, also as session variants; quality of protection "auth" or none). Nothing if there is
/// none.
[[nodiscard]] std::optional<std::string> answer_digest(std::string_view header,
                                                       const digest_request& request);

}  // namespace duplexd::net
