// The field table, part: the step that makes a key from a password.
#include <fmt/format.h>

#include <array>

#include "config/fields/step_kind.hpp"

namespace duplexd::config {

namespace {

struct parsed_derivation : pbkdf2_step {
  protocol::position where;
  std::string path;
};

}  // namespace

inline const auto& words_of(key_digest /*any*/) {
  static constexpr std::array<std::pair<key_digest, std::string_view>, 3> words{
      {{key_digest::sha1, "sha1"}, {key_digest::sha256, "sha256"}, {key_digest::sha512, "sha512"}}};
  return words;
}
template <>
struct value_parser<key_digest> : choice_parser<key_digest> {};

template <>
const section& section_of<parsed_derivation>() {
  using s = parsed_derivation;
  const fields_of<s> make;
  static const section fields{
      "pbkdf2",
      "A key derived from a password (PBKDF2 with HMAC, RFC 8018), as SCRAM needs it. Its result is the key "
      "in hexadecimal, as long as the digest. Calculated one after the other on a thread of its own.",
      {
          make("password", &s::password, "The password.").required().example("${credential:password}"),
          make("salt", &s::salt, "The salt: bytes, or a text.")
              .required()
              .example("${var:challenge.salt | from_base64}"),
          make("iterations", &s::iterations, "The number of iterations, 1 to `limits.kdf_iterations`.")
              .required()
              .example("${var:challenge.iterations}"),
          make("digest", &s::digest, "The hash function.").example("sha512"),
      }};
  return fields;
}

namespace {

struct parsed_pbkdf2 : pbkdf2_step {
  parsed_derivation derivation;

  void build(parsed_step& /*from*/, script_builder& make) {
    const parsed_derivation& at = derivation;
    make.use(at.password, at.where, at.path + ".password");
    make.use(at.salt, at.where, at.path + ".salt");
    make.use(at.iterations, at.where, at.path + ".iterations");
    if (!at.iterations.has_references() && !iteration_count(at.iterations.unresolved(), most_iterations))
      make.complain(at, fmt::format("'iterations' is not a number from 1 to {}", most_iterations));
    static_cast<pbkdf2_step&>(*this) = std::move(derivation);
  }
};

}  // namespace

step_kind pbkdf2_kind() {
  using s = parsed_pbkdf2;
  const fields_of<s> make;
  return kind_of<pbkdf2_step, s>({make("pbkdf2", &s::derivation, "Derive a key from a password.")
                                      .example({{"password", "${credential:password}"},
                                                {"salt", "${var:challenge.salt | from_base64}"},
                                                {"iterations", 4096}})});
}

}  // namespace duplexd::config
