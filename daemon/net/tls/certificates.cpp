#include "daemon/net/tls/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <stdexcept>

#include "daemon/net/tls/tls_errors.hpp"

namespace duplexd::net {
namespace {

using key_pointer = std::shared_ptr<EVP_PKEY>;
using certificate_pointer = std::shared_ptr<X509>;

void require(bool worked) {
  if (!worked) throw std::runtime_error("cannot make a certificate: " + explain_tls_error());
}

key_pointer new_key() {
  key_pointer key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  require(key != nullptr);
  return key;
}

void set_serial(X509* certificate) {
  unsigned char bytes[16];
  require(RAND_bytes(bytes, sizeof bytes) == 1);
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x01);
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  require(number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr);
  BN_free(number);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr);
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  require(added);
}

/// "DNS:localhost,IP:::1": what subjectAltName is written like.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    boost::system::error_code not_address;
    boost::asio::ip::make_address(name, not_address);
    text += (text.empty() ? "" : ",") + std::string(not_address ? "DNS:" : "IP:") + name;
  }
  return text;
}

certificate_pointer new_certificate(const std::string& common_name, const key_pointer& key, validity when) {
  certificate_pointer made(X509_new(), &X509_free);
  require(made != nullptr && X509_set_version(made.get(), X509_VERSION_3) == 1);
  set_serial(made.get());
  require(X509_gmtime_adj(X509_getm_notBefore(made.get()), when.begin.count()) != nullptr);
  require(X509_gmtime_adj(X509_getm_notAfter(made.get()), when.end.count()) != nullptr);
  X509_NAME* subject = X509_get_subject_name(made.get());
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                                     0) == 1);
  require(X509_set_pubkey(made.get(), key.get()) == 1);
  return made;
}

void add_server_extensions(X509* certificate, X509* issuer, const std::vector<std::string>& names) {
  add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(names));
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
}

void sign(X509* certificate, EVP_PKEY* key) {
  require(X509_sign(certificate, key, EVP_sha256()) > 0);
}

template <class Write>
std::string pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  require(out != nullptr && write(out.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  return pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return pem(
      [&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

}  // namespace

throw_away_authority::throw_away_authority(const std::string& common_name, validity when)
    : key_(new_key()), certificate_(new_certificate(common_name, key_, when)) {
  X509* self = certificate_.get();
  require(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1);
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  sign(self, key_.get());
  certificate_pem_ = pem_of(self);
}

issued_certificate throw_away_authority::issue(const std::vector<std::string>& names, validity when) const {
  const auto key = new_key();
  const auto made = new_certificate(names.at(0), key, when);
  require(X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get())) == 1);
  add_server_extensions(made.get(), certificate_.get(), names);
  add_extension(made.get(), certificate_.get(), NID_authority_key_identifier, "keyid");
  sign(made.get(), key_.get());
  return {.certificate = pem_of(made.get()) + certificate_pem_, .key = pem_of(key.get())};
}

issued_certificate make_self_signed(const std::vector<std::string>& names, validity when) {
  const auto key = new_key();
  const auto made = new_certificate(names.at(0), key, when);
  require(X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) == 1);
  add_server_extensions(made.get(), made.get(), names);
  sign(made.get(), key.get());
  return {.certificate = pem_of(made.get()), .key = pem_of(key.get())};
}

}  // namespace duplexd::net
