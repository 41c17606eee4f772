#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Where a client of the benchmark connects to: wss://HOST:PORT/PATH.
struct target {
  std::string host;
  std::uint16_t port = 0;
  std::string path;

  /// Ends the program if `url` is not of that form.
  static target parse(const std::string& url);
};

/// The least that a WebSocket client over TLS can be: a blocking socket, one recv for as many records as have
/// come, OpenSSL reading them from memory. Any trouble ends the program.
class tls_client {
 public:
  tls_client(SSL_CTX* context, const target& to, SSL_SESSION* resumed = nullptr);
  ~tls_client();
  tls_client(const tls_client&) = delete;
  tls_client& operator=(const tls_client&) = delete;

  /// Decrypts what has come, at least a byte; 0 at the end.
  std::size_t read(std::uint8_t* to, std::size_t room);
  void write(std::string_view bytes);

 private:
  static int bio_read(BIO* bio, char* out, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  static BIO_METHOD* method();
  void upgrade(const target& to);

  int socket_ = -1;
  SSL* ssl_;
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A context that trusts `ca_file`.
SSL_CTX* make_client_context(const char* ca_file);

}  // namespace bench
