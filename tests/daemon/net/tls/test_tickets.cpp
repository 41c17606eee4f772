// The store of TLS sessions to resume, and the digest of a pinned key.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/net/tls/pins.hpp"
#include "daemon/net/tls/tls_tickets.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;

tls_ticket new_ticket() {
  return {SSL_SESSION_new(), &SSL_SESSION_free};
}

}  // namespace

TEST_CASE("each ticket is given out once, the newest first", "[tickets]") {
  tls_tickets store;
  CHECK(store.take("a") == nullptr);
  const std::vector<tls_ticket> made{new_ticket(), new_ticket(), new_ticket()};
  for (const auto& each : made) store.keep("a", each);
  CHECK(store.take("a") == made[2]);
  CHECK(store.take("a") == made[1]);
  store.keep("a", made[2]);
  CHECK(store.take("a") == made[2]);
  CHECK(store.take("a") == made[0]);
  CHECK(store.take("a") == nullptr);
  store.keep("a", made[1]);
  CHECK(store.take("a") == made[1]);
}

TEST_CASE("a ticket is for its own server only", "[tickets]") {
  tls_tickets store;
  const auto one = new_ticket();
  const auto two = new_ticket();
  store.keep("one", one);
  store.keep("two", two);
  CHECK(store.take("three") == nullptr);
  CHECK(store.take("one") == one);
  CHECK(store.take("one") == nullptr);
  CHECK(store.take("two") == two);
}

// A server may send as many as it likes: what is kept of one is bounded, and the oldest go first.
TEST_CASE("so many tickets of one server are kept, then the oldest goes", "[tickets]") {
  constexpr std::size_t most = tls_tickets::most_for_one;
  const auto over = GENERATE(as<std::size_t>{}, 0, 1, 2);
  tls_tickets store;
  std::vector<tls_ticket> made;
  for (std::size_t i = 0; i < most + over; ++i) {
    made.push_back(new_ticket());
    store.keep("a", made.back());
  }
  for (std::size_t i = made.size(); i > over; --i) REQUIRE(store.take("a") == made[i - 1]);
  CHECK(store.take("a") == nullptr);
  for (const auto& each : made) REQUIRE(each.use_count() == 1);  // nothing is held any more
}

TEST_CASE("each context has a store of its own, which ends with it", "[tickets]") {
  const auto ticket = new_ticket();
  {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> one(SSL_CTX_new(TLS_client_method()),
                                                                &SSL_CTX_free);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> two(SSL_CTX_new(TLS_client_method()),
                                                                &SSL_CTX_free);
    auto& store = tls_tickets::of(one.get());
    CHECK(&tls_tickets::of(one.get()) == &store);
    CHECK(&tls_tickets::of(two.get()) != &store);
    store.keep("a", ticket);
    CHECK(tls_tickets::of(two.get()).take("a") == nullptr);
    CHECK(ticket.use_count() == 2);
  }
  CHECK(ticket.use_count() == 1);
}

// openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
TEST_CASE("a pin is what other programs make of the key", "[pins]") {
  const std::string pem = R"(-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUQTjg4h0iRmntC94FF/nDquHIrb4wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGcGlubmVkMCAXDTI2MTEyNTIyMDcwMloYDzIxMjYxMTAxMjIw
NzAyWjARMQ8wDQYDVQQDDAZwaW5uZWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARbRBpm/4AwbYFp0M1LoitZHx0J4jk/rRGs7C0toNHmX9LVa2MN2YqR2TEyT7Qq
0rI2CC+t7BMniLbUS7H9ZUQzo1MwUTAdBgNVHQ4EFgQUfkhDQ9n5xHcqCCB7O1A1
hpVEqggwHwYDVR0jBBgwFoAUfkhDQ9n5xHcqCCB7O1A1hpVEqggwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA2aIFUFFWVFVXf53aHeyle2Mh7n1n
5+oTifnJuAiPPVQCIF+4OYaH7Iaeh1DT5ikBm6LQelC1cVOG/DnHlOeIVh7b
-----END CERTIFICATE-----
)";
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free);
  REQUIRE(certificate);
  CHECK(pin_of(certificate.get()) == "U91fZNYvEeLcEmWLXPZR/RRhx/s/VAaLhfyqT7s+AEc=");
}

TEST_CASE("a certificate without a key has no pin", "[pins]") {
  const std::unique_ptr<X509, decltype(&X509_free)> empty(X509_new(), &X509_free);
  CHECK(pin_of(empty.get()).empty());
  ERR_clear_error();
}
