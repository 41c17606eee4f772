#include "daemon/net/tls/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <new>
#include <utility>

#include "config/value/regular_file.hpp"
#include "daemon/net/tls/client_certificate.hpp"
#include "daemon/net/tls/tls_engine.hpp"
#include "daemon/net/tls/tls_errors.hpp"

namespace duplexd::net {
namespace {

tls_context new_context(const SSL_METHOD* method) {
  tls_context made(SSL_CTX_new(method), &SSL_CTX_free);
  if (made == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
  return made;
}

/// Adds every certificate of a PEM text to the context's trust; false if there is none.
bool trust(SSL_CTX* context, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> source(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  bool any = false;
  while (X509* certificate = PEM_read_bio_X509_AUX(source.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    any = true;
  }
  ERR_clear_error();
  // Whoever names a server's own or an intermediate certificate means to trust it.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return any;
}

/// "PATH SECONDS.NANOSECONDS SIZE" of a file or folder, to see when it changed.
std::string state_of(const char* from_environment, const char* by_default) {
  const char* chosen = std::getenv(from_environment);
  std::string text = chosen != nullptr ? chosen : by_default;
  struct stat found{};
  if (stat(text.c_str(), &found) != 0) return text + " missing\n";
  text += ' ' + std::to_string(found.st_mtim.tv_sec) + '.' + std::to_string(found.st_mtim.tv_nsec);
  return text + ' ' + std::to_string(found.st_size) + '\n';
}

/// The system's store as it is now: its certificates are read once for each context.
std::string system_store() {
  return state_of(X509_get_default_cert_file_env(), X509_get_default_cert_file()) +
         state_of(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
}

std::string read_file(const std::string& what, const std::string& path, std::string& out) {
  auto text = config::read_regular_file(path, config::largest_pem_file);
  if (text && text.value.empty()) text.error = "the file is empty";
  out = std::move(text.value);
  return text ? "" : "cannot read the " + what + " " + path + ": " + text.error;
}

std::string read_files(const server_request& to, tls_files& out) {
  std::string error;
  if (!to.ca_file.empty()) error = read_file("CA file", to.ca_file, out.authorities);
  if (error.empty() && !to.cert_file.empty())
    error = read_file("certificate file", to.cert_file, out.certificate);
  if (error.empty() && !to.key_file.empty() && !to.cert_file.empty())
    error = read_file("key file", to.key_file, out.key);
  return error;
}

/// Everything that the context depends on.
std::string key_of(const server_request& to, const tls_files& files) {
  std::string all;
  const auto add = [&](const std::string& piece) { all += std::to_string(piece.size()) + ':' + piece; };
  add(to.ca_file.empty() ? system_store() : "");
  for (const std::string* each : {&files.authorities, &files.certificate, &files.key, &to.key_password,
                                  &to.tls.ciphers, &to.tls.ciphersuites})
    add(*each);
  add(to.tls.verify ? "verify" : "");
  add(to.tls.allow_common_name ? "common name" : "");
  add(to.tls.min_version == config::tls_version::v1_3 ? "1.3" : "1.2");
  for (const std::string& pin : to.tls.pins) add(pin);
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(all.data(), all.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
             nullptr);
  OPENSSL_cleanse(all.data(), all.size());
  digest.resize(size);
  return digest;
}

/// Versions, ciphers and ALPN; says what OpenSSL does not know.
std::string apply(const config::tls_settings& settings, SSL_CTX* context) {
  if (settings.min_version == config::tls_version::v1_3)
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  ERR_clear_error();
  if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1)
    return "tls.ciphers: OpenSSL knows no such cipher: '" + settings.ciphers + "'";
  if (!settings.ciphersuites.empty() && SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) != 1)
    return "tls.ciphersuites: OpenSSL does not know all of '" + settings.ciphersuites + "'";
  constexpr unsigned char http[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context, http, sizeof http);
  ERR_clear_error();
  return {};
}

}  // namespace

tls_context_result client_tls::get(const server_request& to) {
  tls_files files;
  std::string error = read_files(to, files);
  if (!error.empty()) return {.context = {}, .error = std::move(error)};
  const std::string key = key_of(to, files);
  if (const auto known = known_.find(key); known != known_.end())
    return {.context = known->second, .error = {}};

  auto made = new_context(TLS_client_method());
  if (to.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(made.get());
  } else if (!trust(made.get(), files.authorities)) {
    error = "the CA file " + to.ca_file + " holds no PEM certificate";
  }
  if (error.empty()) error = apply(to.tls, made.get());
  if (error.empty() && !to.cert_file.empty()) error = use_certificate(made.get(), to, files);
  if (!error.empty()) return {.context = {}, .error = std::move(error)};
  tls_engine::prepare_client(made.get());
  if (known_.size() == most_known) known_.clear();  // those in use live on with their links
  known_.emplace(key, made);
  return {.context = std::move(made), .error = {}};
}

tls_context_result make_server_tls(const std::string& certificate_file, const std::string& key_file) {
  server_request from;
  from.cert_file = certificate_file;
  from.key_file = key_file;
  tls_files files;
  auto made = new_context(TLS_server_method());
  std::string error = read_files(from, files);
  if (error.empty()) error = use_certificate(made.get(), from, files);
  if (!error.empty()) return {.context = {}, .error = std::move(error)};
  return {.context = std::move(made), .error = {}};
}

}  // namespace duplexd::net
