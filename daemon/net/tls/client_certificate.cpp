#include "daemon/net/tls/client_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "daemon/net/tls/tls_errors.hpp"

namespace duplexd::net {
namespace {

using certificate_pointer = std::unique_ptr<X509, decltype(&X509_free)>;
using key_pointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using bio_pointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

bio_pointer source_of(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

/// OpenSSL asks for the password of an encrypted key, and only then.
struct password_question {
  const std::string& answer;
  bool asked = false;

  static int on_ask(char* out, int size, int /*for_writing*/, void* data) {
    auto& self = *static_cast<password_question*>(data);
    self.asked = true;
    const int length = std::min(size, static_cast<int>(self.answer.size()));
    std::memcpy(out, self.answer.data(), static_cast<std::size_t>(length));
    return length;
  }
};

/// Adds the certificate and those behind it, which lead to an authority. Gives the first one.
X509* use_chain(SSL_CTX* context, const std::string& pem) {
  const auto source = source_of(pem);
  const certificate_pointer first(PEM_read_bio_X509_AUX(source.get(), nullptr, nullptr, nullptr), &X509_free);
  if (first == nullptr || SSL_CTX_use_certificate(context, first.get()) != 1) return nullptr;
  for (;;) {
    const certificate_pointer next(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr), &X509_free);
    if (next == nullptr) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return nullptr;
  }
  ERR_clear_error();
  return SSL_CTX_get0_certificate(context);
}

}  // namespace

std::string use_certificate(ssl_ctx_st* context, const server_request& from, const tls_files& files) {
  ERR_clear_error();
  X509* const certificate = use_chain(context, files.certificate);
  if (certificate == nullptr) {
    const bool found = files.certificate.find("BEGIN CERTIFICATE") != std::string::npos;
    return "the certificate file " + from.cert_file +
           (found ? " cannot be used: " + explain_tls_error() : " holds no PEM certificate");
  }
  const bool separate = !from.key_file.empty();
  const std::string& key_file = separate ? from.key_file : from.cert_file;
  const auto source = source_of(separate ? files.key : files.certificate);
  password_question password{.answer = from.key_password};
  const key_pointer key(PEM_read_bio_PrivateKey(source.get(), nullptr, &password_question::on_ask, &password),
                        &EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr && password.asked) {
    return from.key_password.empty() ? "the key in " + key_file + " is encrypted: give tls.key_password"
                                     : "tls.key_password is not the password of the key in " + key_file;
  }
  if (key == nullptr) return "the file " + key_file + " holds no PEM key";
  if (X509_check_private_key(certificate, key.get()) != 1) {
    ERR_clear_error();
    return "the key in " + key_file + " does not belong to the certificate in " + from.cert_file;
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) == 1) return {};
  return "the key in " + key_file + " cannot be used: " + explain_tls_error();
}

}  // namespace duplexd::net
