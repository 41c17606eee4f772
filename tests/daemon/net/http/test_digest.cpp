// Digest authentication: the examples of the RFCs, and challenges as servers write them.
#include <set>
#include <string>

#include "daemon/net/http/digest.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;

/// RFC 7616, 3.9.1.
const digest_request circle{.method = "GET",
                            .target = "/dir/index.html",
                            .username = "Mufasa",
                            .password = "Circle of Life",
                            .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};

const std::string rest_of_example =
    R"(qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", )"
    R"(opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";

std::string response_in(const std::optional<std::string>& answer) {
  REQUIRE(answer.has_value());
  const auto at = answer->find("response=\"");
  REQUIRE(at != std::string::npos);
  return answer->substr(at + 10, answer->find('"', at + 10) - at - 10);
}

}  // namespace

TEST_CASE("the answers of RFC 7616's examples", "[digest]") {
  const std::string realm = R"(realm="http-auth@example.org", )";
  const auto answer = answer_digest("Digest " + realm + "algorithm=MD5, " + rest_of_example, circle);
  CHECK(answer ==
        R"(Digest username="Mufasa", realm="http-auth@example.org", )"
        R"(nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", algorithm=MD5, )"
        R"(response="8ca523f5e9506fed4657c9700eebdbec", )"
        R"(opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, )"
        R"(cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")");
  CHECK(response_in(answer_digest("Digest " + realm + "algorithm=SHA-256, " + rest_of_example, circle)) ==
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

// RFC 7616, 3.9.2, as corrected by its errata; the response is that of Python's hashlib.
TEST_CASE("a hidden user name", "[digest]") {
  const digest_request jason{.method = "GET",
                             .target = "/doe.json",
                             .username = "J\xc3\xa4s\xc3\xb8n Doe",
                             .password = "Secret, or not?",
                             .cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm"};
  const auto answer = answer_digest(
      R"(Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, )"
      R"(nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", )"
      R"(charset=UTF-8, userhash=true)",
      jason);
  REQUIRE(answer);
  CHECK(answer->find(R"(username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b")") !=
        std::string::npos);
  CHECK(answer->ends_with(", userhash=true"));
  CHECK(response_in(answer) == "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c");
}

// RFC 2069's rule, which old devices still follow: no qop, no cnonce.
TEST_CASE("a challenge without protection gets an answer without it", "[digest]") {
  const digest_request open{.method = "GET",
                            .target = "/dir/index.html",
                            .username = "Mufasa",
                            .password = "CircleOfLife",
                            .cnonce = "unused"};
  CHECK(
      answer_digest(R"(Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")",
                    open) ==
      R"(Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", )"
      R"(uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea")");
}

TEST_CASE("of several challenges the first that is understood is answered", "[digest]") {
  const auto answered = [](const std::string& header) { return answer_digest(header, circle).has_value(); };
  const std::string good = R"(Digest realm="r", nonce="n")";
  CHECK(answered(good));
  CHECK(answered(R"(Basic realm="a, Digest b", )" + good));
  CHECK(answered("Negotiate, NTLM, " + good));
  CHECK(answered(R"(dIGEST nonce = "n" , realm=r)"));
  CHECK(answered(R"(Digest realm="r", nonce="n", algorithm=SHA-9, )" + good));
  CHECK(answered(R"(Digest realm="r", nonce="n", qop="auth-int,AUTH")"));
  CHECK(answered(R"(Digest realm="r", nonce="n", algorithm=md5-SESS, qop=auth)"));
  CHECK_FALSE(answered(""));
  CHECK_FALSE(answered("Basic realm=\"r\""));
  CHECK_FALSE(answered("Digest"));
  CHECK_FALSE(answered(R"(Digest realm="r")"));
  CHECK_FALSE(answered(R"(Digest realm="r", nonce="n", algorithm=SHA-9)"));
  CHECK_FALSE(answered(R"(Digest realm="r", nonce="n", qop="auth-int")"));
  CHECK_FALSE(answered(R"(Digest realm="r, nonce="n")"));
}

TEST_CASE("quotes in names and nonces are escaped and read", "[digest]") {
  auto request = circle;
  request.username = "a\"b\\";
  const auto answer = answer_digest(R"(Digest realm="q\"r", nonce="n")", request);
  REQUIRE(answer);
  CHECK(answer->starts_with(R"(Digest username="a\"b\\", realm="q\"r", nonce="n")"));
}

TEST_CASE("challenges are told apart by what follows their names", "[digest]") {
  const auto found = read_challenges(R"(Negotiate, Basic realm="x, y" ,, Digest a=1,b = "2")");
  REQUIRE(found.size() == 3);
  CHECK(found[0].scheme == "negotiate");
  CHECK(found[1].value("realm") == "x, y");
  CHECK(found[2].scheme == "digest");
  CHECK(found[2].value("a") == "1");
  CHECK(found[2].value("b") == "2");
  CHECK(found[2].value("c").empty());
}

TEST_CASE("no two cnonces are the same", "[digest]") {
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i) all.insert(make_cnonce());
  CHECK(all.size() == 100);
  CHECK(all.begin()->size() == 32);
}
