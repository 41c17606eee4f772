#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tls/pins.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/fetch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/test_server.hpp"
#include "tests/daemon/net/trust.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::fault_class;

/// What a dial leads to: nothing, or the fault's cause.
std::string cause_of(asio::io_context& loop, dialer& dial, const dial_request& request) {
  auto result = run(loop, dial.dial(request));
  if (std::holds_alternative<std::unique_ptr<transport>>(result)) return "";
  CHECK(std::get<fault>(result).kind == fault_class::tls);
  return std::get<fault>(result).cause;
}

std::string cause_of(asio::io_context& loop, const dial_request& request) {
  const auto dial = make_dialer(loop);
  return cause_of(loop, *dial, request);
}

std::string encrypted(const std::string& key_pem, std::string password) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  REQUIRE(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password.data(),
                                        static_cast<int>(password.size()), nullptr, nullptr) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pin_of_pem(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free);
  return pin_of(certificate.get());
}

/// A self-signed certificate whose only name is its CN.
issued_certificate make_without_alternative_names(const std::string& name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), &X509_free);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
  X509_set_pubkey(made.get(), key.get());
  REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  const auto pem = [](auto write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    REQUIRE(write(out.get()) == 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
  };
  return {.certificate = pem([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); }),
          .key = pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

int accept_any(int /*ok*/, X509_STORE_CTX* /*store*/) {
  return 1;
}

/// Wants a certificate of the client, whichever.
tls_context asking_server(const trust& trusted) {
  auto made = trusted.server();
  SSL_CTX_set_max_proto_version(made.get(),
                                TLS1_2_VERSION);  // so that the handshake itself fails without one
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &accept_any);
  return made;
}

}  // namespace

TEST_CASE("a client's certificate is shown, and what is wrong with its files is told", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  test_server server(loop, echo_server(asking_server(trusted)));
  const auto client = trusted.authority().issue({"client"});
  const auto stranger = make_self_signed({"stranger"});
  auto request = request_to(server.port(), true, trusted.ca_file());
  CHECK(contains(cause_of(loop, request), "the peer refused TLS with the alert"));

  const auto cert = trusted.write("client.pem", client.certificate);
  const auto key = trusted.write("client.key", client.key);
  const auto locked = trusted.write("locked.key", encrypted(client.key, "sekret"));
  request.cert_file = cert;
  request.key_file = key;
  CHECK(cause_of(loop, request).empty());
  request.cert_file = trusted.write("both.pem", client.certificate + client.key);
  request.key_file.clear();
  CHECK(cause_of(loop, request).empty());
  request.cert_file = cert;
  request.key_file = locked;
  request.key_password = "sekret";
  CHECK(cause_of(loop, request).empty());
  request.key_password = "sekret2";
  CHECK(cause_of(loop, request) == "TLS: tls.key_password is not the password of the key in " + locked);
  request.key_password.clear();
  CHECK(cause_of(loop, request) == "TLS: the key in " + locked + " is encrypted: give tls.key_password");
  request.key_file = trusted.write("stranger.key", stranger.key);
  CHECK(cause_of(loop, request) ==
        "TLS: the key in " + request.key_file + " does not belong to the certificate in " + cert);
  request.key_file = cert;
  CHECK(cause_of(loop, request) == "TLS: the file " + cert + " holds no PEM key");
  request.key_file = "/nonexistent/key";
  CHECK(
      contains(cause_of(loop, request), "cannot read the key file /nonexistent/key: there is no such file"));
  request.cert_file = key;
  request.key_file = key;
  CHECK(cause_of(loop, request) == "TLS: the certificate file " + key + " holds no PEM certificate");
  request.cert_file = "/nonexistent/cert";
  CHECK(contains(cause_of(loop, request),
                 "cannot read the certificate file /nonexistent/cert: there is no such file"));
}

// A renewed file is used by the next connect.
TEST_CASE("a client's files are read at each connect", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  test_server server(loop, echo_server(asking_server(trusted)));
  const auto dial = make_dialer(loop);
  const auto first = trusted.authority().issue({"first"});
  const auto second = trusted.authority().issue({"second"});
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.cert_file = trusted.write("c.pem", first.certificate);
  request.key_file = trusted.write("c.key", first.key);
  auto kept = run(loop, dial->dial(request));  // its context stays in use
  REQUIRE(std::holds_alternative<std::unique_ptr<transport>>(kept));
  std::ignore = trusted.write("c.pem", second.certificate);
  CHECK(contains(cause_of(loop, *dial, request), "does not belong to the certificate"));
  std::ignore = trusted.write("c.key", second.key);
  CHECK(cause_of(loop, *dial, request).empty());
}

TEST_CASE("a pinned key must be in the chain", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  const auto issued = trusted.authority().issue({"localhost"});
  test_server server(loop, echo_server(trusted.server(issued)));
  const auto dial = make_dialer(loop);
  const std::string own = pin_of_pem(issued.certificate);
  const std::string authority = pin_of_pem(trusted.authority().certificate());
  const std::string other = pin_of_pem(make_self_signed({"localhost"}).certificate);
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.tls.pins = {other, own};
  CHECK(cause_of(loop, *dial, request).empty());
  request.tls.pins = {authority};
  CHECK(cause_of(loop, *dial, request).empty());
  request.tls.pins = {other};
  for (int i = 0; i < 3; ++i)  // an earlier session must not open the door
    CHECK(cause_of(loop, *dial, request) ==
          "TLS: no public key of the server is among tls.pins; its own is sha256:" + own + " (CN=localhost)");
  request.tls.verify = false;  // then only the server's own key counts, which it has proved to hold
  request.tls.pins = {own};
  CHECK(cause_of(loop, *dial, request).empty());
  request.tls.pins = {authority};
  CHECK(contains(cause_of(loop, *dial, request), "among tls.pins"));
}

TEST_CASE("versions and ciphers are limited", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  auto context = trusted.server();
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  test_server old(loop, echo_server(context));
  test_server fresh(loop, echo_server(trusted.server()));
  auto request = request_to(old.port(), true, trusted.ca_file());
  CHECK(cause_of(loop, request).empty());
  request.tls.min_version = config::tls_version::v1_3;
  CHECK_FALSE(cause_of(loop, request).empty());

  auto chosen = request_to(old.port(), true, trusted.ca_file());
  chosen.tls.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  CHECK(cause_of(loop, chosen).empty());
  chosen.tls.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";  // the server's key is of another kind
  CHECK_FALSE(cause_of(loop, chosen).empty());
  chosen.tls.ciphers = "NONSENSE";
  CHECK(cause_of(loop, chosen) == "TLS: tls.ciphers: OpenSSL knows no such cipher: 'NONSENSE'");
  auto suites = request_to(fresh.port(), true, trusted.ca_file());
  suites.tls.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256";
  CHECK(cause_of(loop, suites).empty());
  suites.tls.ciphersuites = "NONSENSE";
  CHECK(cause_of(loop, suites) == "TLS: tls.ciphersuites: OpenSSL does not know all of 'NONSENSE'");
}

namespace {

int insist_on_http(SSL* /*session*/, const unsigned char** out, unsigned char* size,
                   const unsigned char* offered, unsigned offered_size, void* /*data*/) {
  static constexpr unsigned char wanted[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, wanted, sizeof wanted, offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Notes what ALPN came to.
class alpn_watch final : public dial_observer {
 public:
  void phase_done(dial_phase /*phase*/, std::chrono::nanoseconds /*took*/,
                  const dial_details& details) override {
    if (const auto* tls = std::get_if<tls_details>(&details)) chosen = tls->alpn;
  }
  std::string chosen;
};

}  // namespace

TEST_CASE("a server that insists on HTTP/1.1 by ALPN gets it", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  auto context = trusted.server();
  SSL_CTX_set_alpn_select_cb(context.get(), &insist_on_http, nullptr);
  test_server server(loop, echo_server(context));
  alpn_watch watch;
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.watch = &watch;
  CHECK(cause_of(loop, request).empty());
  CHECK(watch.chosen == "http/1.1");
}

// RFC 9525, 2: the common name is no identity. Some devices have nothing else.
TEST_CASE("a certificate with a common name only is refused unless allowed or pinned", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  const auto issued = make_without_alternative_names("localhost");
  test_server server(loop, echo_server(trusted.server(issued)));
  auto request = request_to(server.port(), true, trusted.write("device.pem", issued.certificate));
  const std::string refusal =
      "TLS: certificate has the name 'localhost' as its common name (CN) only, which is not accepted: give "
      "the server a certificate with a subject alternative name, set tls.allow_common_name, or pin its key "
      "by tls.pins";
  const auto dial = make_dialer(loop);
  CHECK(cause_of(loop, *dial, request) == refusal);
  SECTION("allowed") {
    request.tls.allow_common_name = true;
    CHECK(cause_of(loop, *dial, request).empty());
    request.tls.server_name = "other.example";
    CHECK(cause_of(loop, *dial, request) ==
          "TLS: certificate is for no name at all (CN=localhost), not for 'other.example': correct the url "
          "or give tls.server_name");
    // What was allowed once stays with those who allow it, also where sessions are resumed.
    request.tls.server_name.reset();
    request.tls.allow_common_name = false;
    CHECK(cause_of(loop, *dial, request) == refusal);
  }
  SECTION("pinned") {
    request.tls.pins = {pin_of_pem(issued.certificate)};
    CHECK(cause_of(loop, *dial, request).empty());
    request.tls.pins = {pin_of_pem(make_self_signed({"localhost"}).certificate)};
    CHECK(contains(cause_of(loop, *dial, request), "among tls.pins"));
  }
}

// An alternative name of another kind does not make the common name count, and neither does allowing it.
TEST_CASE("the common name does not count beside alternative names", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  test_server server(loop, echo_server(trusted.server(trusted.authority().issue({"localhost"}))));
  auto request = request_to(server.port(), true, trusted.ca_file());
  request.tls.allow_common_name = GENERATE(true, false);
  CHECK(cause_of(loop, request).empty());
  test_server other(loop, echo_server(trusted.server(trusted.authority().issue({"first", "second"}))));
  auto mismatch = request_to(other.port(), true, trusted.ca_file());
  mismatch.tls.allow_common_name = request.tls.allow_common_name;
  CHECK(contains(cause_of(loop, mismatch), "certificate is for 'first', 'second', not for 'localhost'"));
}

namespace {

int note_server_name(SSL* session, int* /*alert*/, void* names) {
  const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  static_cast<std::vector<std::string>*>(names)->emplace_back(name == nullptr ? "none" : name);
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

// RFC 6066, 3: an address is no server name.
TEST_CASE("the server is told by which name it is meant, unless that is an address", "[client_tls]") {
  const trust trusted;
  asio::io_context loop{1};
  auto context = trusted.server();
  std::vector<std::string> names;
  SSL_CTX_set_tlsext_servername_callback(context.get(), &note_server_name);
  SSL_CTX_set_tlsext_servername_arg(context.get(), &names);
  test_server server(loop, echo_server(context));
  const auto name_for = [&](const std::string& host, std::optional<std::string> server_name) {
    auto request = request_to(server.port(), true, trusted.ca_file(), host);
    request.tls.server_name = std::move(server_name);
    request.tls.verify = false;
    names.clear();
    CHECK(cause_of(loop, request).empty());
    REQUIRE(names.size() == 1);
    return names.front();
  };
  CHECK(name_for("localhost", {}) == "localhost");
  CHECK(name_for("127.0.0.1", {}) == "none");
  CHECK(name_for("127.0.0.1", "given.example") == "given.example");
  CHECK(name_for("localhost", "192.0.2.7") == "none");
  CHECK(name_for("localhost", "2001:db8::1") == "none");
}

TEST_CASE("engines for an address leave no memory", "[client_tls]") {
  client_tls known;
  const auto context = known.get({}).context;
  REQUIRE(context != nullptr);
  const auto make = [&](int count) {
    for (int i = 0; i < count; ++i) const tls_engine made(context, {.name = "192.0.2.7"});
  };
  make(100);
  const auto memory = mallinfo2().uordblks;
  make(3000);
  CHECK(mallinfo2().uordblks < memory + 64 * 1024);  // the smallest block has 32 bytes
}
