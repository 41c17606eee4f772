// What is told of a certificate: its names, how many of them, and why one was refused.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tls/certificate_text.hpp"
#include "daemon/net/tls/tls_errors.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

using certificate_pointer = std::unique_ptr<X509, decltype(&X509_free)>;

certificate_pointer parse(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free};
}

/// Why a server with a certificate for these names is refused as another one.
std::string refusal_of(const std::vector<std::string>& names) {
  const trust trusted;
  asio::io_context loop{1};
  test_server server(loop, echo_server(trusted.server(trusted.authority().issue(names))));
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.tls.server_name = "other.example";
  const auto dial = make_dialer(loop);
  const auto result = run(loop, dial->dial(std::move(request)));
  REQUIRE(std::holds_alternative<fault>(result));
  return std::get<fault>(result).cause;
}

std::string explained(int library, int reason) {
  ERR_clear_error();
  ERR_raise(library, reason);
  return explain_tls_error();
}

}  // namespace

TEST_CASE("a certificate's names are told, addresses too", "[certificates]") {
  const throw_away_authority authority("an authority");
  const auto certificate =
      parse(authority.issue({"one.example", "192.0.2.7", "2001:db8::1", "*.two.example"}).certificate);
  CHECK(certificate_names(certificate.get()) ==
        std::vector<std::string>{"one.example", "192.0.2.7", "2001:db8::1", "*.two.example"});
  CHECK(common_name(X509_get_subject_name(certificate.get())) == "CN=one.example");
  CHECK(common_name(X509_get_issuer_name(certificate.get())) == "CN=an authority");
  CHECK(certificate_names(parse(authority.certificate()).get()).empty());
  const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> empty(X509_NAME_new(), &X509_NAME_free);
  CHECK(common_name(empty.get()) == "no name");
}

TEST_CASE("of many names four are told and the others counted", "[certificates]") {
  const std::string end = ", not for 'other.example': correct the url or give tls.server_name";
  CHECK(refusal_of({"a"}) == "TLS: certificate is for 'a'" + end);
  CHECK(refusal_of({"a", "b", "c", "d"}) == "TLS: certificate is for 'a', 'b', 'c', 'd'" + end);
  CHECK(refusal_of({"a", "b", "c", "d", "e"}) ==
        "TLS: certificate is for 'a', 'b', 'c', 'd' and 1 more" + end);
  CHECK(refusal_of({"a", "b", "c", "d", "e", "f"}) ==
        "TLS: certificate is for 'a', 'b', 'c', 'd' and 2 more" + end);
}

TEST_CASE("OpenSSL's errors are told in words that help", "[certificates]") {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr);  // as whoever makes a context does
  ERR_clear_error();
  CHECK(explain_tls_error() == "TLS failed without a reason");
  const std::string plain = "the peer does not speak TLS on this port (is it a ws:// address?)";
  CHECK(explained(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER) == plain);
  CHECK(explained(ERR_LIB_SSL, SSL_R_HTTP_REQUEST) == plain);
  CHECK(explained(ERR_LIB_SSL, SSL_R_PACKET_LENGTH_TOO_LONG) == plain);
  CHECK(explained(ERR_LIB_SSL, SSL_R_UNSUPPORTED_PROTOCOL) == "the peer offers no TLS version from 1.2 on");
  CHECK(explained(ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA) ==
        "the peer refused TLS with the alert 'unknown CA'");
  const auto alert = [](int number) { return explained(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + number); };
  const std::string refused = "the peer refused TLS with the alert '";
  CHECK(alert(116) == refused + "certificate required'");
  CHECK(alert(109) == refused + "missing extension'");
  CHECK(alert(120) == refused + "no application protocol'");
  CHECK(alert(200) == refused + "200'");
  CHECK(explained(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER) == "no shared cipher");
  CHECK(explained(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) == "key values mismatch");
  CHECK(ERR_peek_error() == 0);  // none is left for the next one to find
}
