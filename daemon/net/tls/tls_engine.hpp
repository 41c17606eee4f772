#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/link/dial_observer.hpp"
#include "daemon/net/tls/tls_context.hpp"
#include "daemon/net/tls/tls_tickets.hpp"
#include "daemon/runtime/byte_queue.hpp"

struct ssl_st;
struct bio_st;
struct x509_store_ctx_st;

namespace duplexd::net {

/// Whom a client expects to meet.
struct tls_peer {
  std::string
      name;  ///< host name or address: checked against the certificate, and sent as SNI if it is a name
  bool verify = true;
  bool by_common_name = false;  ///< the certificate may have the name as its CN only
  std::string address{};  ///< where it is: together with the above it tells whose tickets may be used; empty:
                          ///< nothing is resumed
};

/// One TLS session over memory: ciphertext is given and taken, no socket is known here. One `recv` may bring
/// many records; all of them are decrypted into one buffer, and all that was written leaves as full records.
class tls_engine {
 public:
  /// A client. It resumes an earlier session of the same context with the same peer, if there is a ticket for
  /// one, and leaves the tickets that it gets to the next as soon as `check_pins()` has approved of the peer.
  tls_engine(const tls_context& context, tls_peer peer);
  /// A server.
  explicit tls_engine(const tls_context& context);
  ~tls_engine();
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  /// Puts the first handshake message into `output()`; a server only waits.
  void start();

  enum class state : std::uint8_t { open, closed_by_peer, failed };

  /// Works through all of `ciphertext`: goes on with the handshake, appends what was decrypted to `plain`.
  /// Answers of TLS's own are left in `output()`. After a failure every call says `failed` again.
  state receive(std::span<const std::uint8_t> ciphertext, byte_queue& plain);

  /// Encrypts. False once the session has failed.
  bool send(std::span<const std::uint8_t> plain);

  /// Puts the close_notify into `output()`.
  void shut_down();

  /// Gives back the memory that is only needed while bytes come or go, if nothing is on its way.
  void release_buffers() noexcept;

  [[nodiscard]] bool established() const noexcept;

  [[nodiscard]] byte_queue& output() noexcept { return output_; }

  /// Whether one of the public keys that the peer proved with is among `pins` (base64 of SHA-256); any will
  /// do if there are no pins. If not, the session has failed. A resumed session was looked at when it was
  /// new. To be called once, when established.
  bool check_pins(const std::vector<std::string>& pins);

  /// For a client's context: its engines get the tickets that servers send, and see what is asked of them.
  static void prepare_client(ssl_ctx_st* context);

  /// What was agreed on, and the peer, once established.
  [[nodiscard]] tls_details details() const;

  /// Whether the server asked for a client certificate. It may judge what it got, or that it got none, when
  /// the handshake is over for us (TLS 1.3).
  [[nodiscard]] bool judges_us() const noexcept { return shows_certificate_ || lacks_certificate_; }

  /// When the peer's certificate expires; nothing if it has shown none.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_end() const;

  /// Why it failed, for people: "certificate is for 'foo.example', not for 'localhost'".
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  explicit tls_engine(ssl_st* session);
  void offer_ticket();
  void leave_tickets();
  static int on_ticket(ssl_st* session, ssl_session_st* ticket);
  void note_failure(int result);
  void explain_failure();
  static void on_event(const ssl_st* session, int where, int value);
  static int on_certificate_request(ssl_st* session, void* unused);
  static int on_verify(int ok, x509_store_ctx_st* store);
  static int bio_read(bio_st* bio, char* out, int size);
  static int bio_write(bio_st* bio, const char* bytes, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  struct session_delete {
    void operator()(ssl_st* session) const noexcept;
  };
  std::unique_ptr<ssl_st, session_delete> session_;
  std::span<const std::uint8_t> input_;  ///< what OpenSSL may still take; empty outside `receive()`
  byte_queue output_;
  tls_peer peer_;
  tls_ticket offered_;               ///< what the handshake tried to resume
  std::vector<tls_ticket> tickets_;  ///< got before the peer was approved of
  bool approved_ = false;
  bool refused_renegotiation_ = false;
  bool shows_certificate_ = false;  ///< the server asked for one, and got it
  bool lacks_certificate_ = false;  ///< likewise, and there is none
  std::string failure_;
};

}  // namespace duplexd::net
