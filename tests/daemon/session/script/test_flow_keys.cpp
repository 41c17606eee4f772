// The step that makes a key from a password: what it gives, and how it fails.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;

namespace {

stage play_of(const std::string& before, const std::string& step, const std::string& fields = "") {
  return stage{talk_yaml(fields + "    before: [" + before + "]\n    script: [" + step + "]\n"), true};
}

}  // namespace

// The exchange of RFC 7677, 3.
TEST_CASE("SCRAM's proof, and the server's, can be calculated from the key") {
  stage play = play_of(
      "{set: {text: 'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'}}",
      R"({pbkdf2: {password: pencil, salt: "${'W22ZaJ0SNY7soEsUEjb6gQ==' | from_base64}", iterations: "${'4096'}"},
          save: {salted: '*'}},
         {set: {key: "${'Client Key' | hmac_sha256(var:salted | from_hex) | hex}"}},
         {send: put, with: {
           id: "${'Server Key' | hmac_sha256(var:salted | from_hex) | hex}",
           data: "${var:text | hmac_sha256(var:key | from_hex | sha256) | xor(var:key | from_hex) | base64}"}},
         {send: put, with: {data: "${var:text | hmac_sha256('Server Key' | hmac_sha256(var:salted | from_hex)) | base64}"}})");
  const auto server = play.accept();
  play.run_for(1s);
  REQUIRE(server->received.size() == 2);
  CHECK(values_of(server->received[0])["data"] == "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  CHECK(values_of(server->received[1])["data"] == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("a key is as long as its digest, and taken for a secret") {
  const auto [digest, key] = GENERATE(table<std::string, std::string>(
      {{"sha1", "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
       {"sha256", "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"},
       {"sha512",
        "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f0502"
        "35d7d6"
        "8b1da55e63f73b60a57fce"}}));
  stage play = play_of("", "{pbkdf2: {password: password, salt: salt, iterations: 1, digest: " + digest +
                               "}, save: {k: '*'}}, {send: put, with: {data: '${var:k}'}}");
  const auto server = play.accept();
  play.run_for(1s);
  REQUIRE(server->received.size() == 1);
  CHECK(values_of(server->received[0])["data"] == key);
  std::string text = "key=" + key;
  play.secrets.mask(text);
  CHECK(text == "key=***");
}

TEST_CASE("iterations that the server chooses are bounded") {
  const auto ends_with = [](const std::string& iterations) {
    stage play = play_of("{set: {n: " + iterations + "}}",
                         "{pbkdf2: {password: p, salt: s, iterations: '${var:n}'}}, {send: put}",
                         "    limits: {kdf_iterations: 1000}\n");
    const auto server = play.accept();
    play.run_for(1s);
    CHECK(server->received.size() == (end_of(play).empty() ? 1U : 0U));
    return end_of(play);
  };
  CHECK(ends_with("1000").empty());
  const std::string refused =
      "script: pbkdf2: 'iterations' is not a number from 1 to 1000 (limits.kdf_iterations)";
  CHECK(ends_with("1001") == refused);
  CHECK(ends_with("0") == refused);
  CHECK(ends_with("many") == refused);
}

TEST_CASE("a step that is cancelled does not wait for the calculation") {
  stage play = play_of("", "{pbkdf2: {password: p, salt: s, iterations: 1}, timeout: 100ms}, {send: put}");
  play.beside.stuck = true;
  const auto server = play.accept();
  play.run_for(1s);
  CHECK(end_of(play).starts_with("script: "));
  CHECK(server->received.empty());
}

TEST_CASE("what a key is made of must be there") {
  const auto [field, value] = GENERATE(table<std::string, std::string>(
      {{"password", "${var:none}"}, {"salt", "x${var:none}"}, {"iterations", "${var:none}"}}));
  std::string fields = "password: p, salt: s, iterations: 1";
  const std::size_t at = fields.find(field + ": ") + field.size() + 2;
  fields.replace(at, 1, "'" + value + "'");
  stage play = play_of("{set: {a: 0}}, {if: {a: 1}, then: {set: {none: 1}}}", "{pbkdf2: {" + fields + "}}");
  (void)play.accept();
  play.run_for(1s);
  CHECK(end_of(play) == "script: pbkdf2: ${var:none}: the variable is not set");
}

TEST_CASE("a password and a salt have a bound") {
  const auto ends_with = [](std::size_t password, std::size_t salt) {
    stage play = play_of("", "{pbkdf2: {password: '" + std::string(password, 'p') + "', salt: '" +
                                 std::string(salt, 's') + "', iterations: 1}}");
    (void)play.accept();
    play.run_for(1s);
    return end_of(play);
  };
  CHECK(ends_with(4096, 4096).empty());
  const std::string refused = "script: pbkdf2: a password and a salt have at most 4096 bytes";
  CHECK(ends_with(4097, 1) == refused);
  CHECK(ends_with(1, 4097) == refused);
}
