#include "daemon/net/tls/tls_engine.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

#include "daemon/net/tls/pins.hpp"
#include "daemon/net/tls/tls_errors.hpp"
#include "daemon/net/tls/tls_report.hpp"

namespace duplexd::net {
namespace {

constexpr std::size_t record_size = 16384;
constexpr std::size_t least_room = 256;  // most idle links have had nothing longer

/// Whom a ticket is for, and whether he was verified: one that was not must never stand for one that was.
std::string key_of(const tls_peer& peer) {
  return peer.address + '\n' + peer.name + (peer.verify ? "\nverified" : "\nunverified");
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* parsed = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(parsed);
  return parsed != nullptr;
}

}  // namespace

void tls_engine::session_delete::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

tls_engine::tls_engine(ssl_st* session) : session_(session) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "duplexd memory");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(made, &tls_engine::bio_read);
    BIO_meth_set_write(made, &tls_engine::bio_write);
    BIO_meth_set_ctrl(made, &tls_engine::bio_control);
    return made;
  }();
  BIO* bio = session == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(session, bio, bio);
  SSL_set_app_data(session, this);
}

tls_engine::tls_engine(const tls_context& context) : tls_engine(SSL_new(context.get())) {
  SSL_set_accept_state(session_.get());
}

tls_engine::tls_engine(const tls_context& context, tls_peer peer) : tls_engine(SSL_new(context.get())) {
  peer_ = std::move(peer);
  SSL* session = session_.get();
  SSL_set_connect_state(session);
  const bool address = is_address(peer_.name);
  bool named = true;
  if (!address) named = SSL_set_tlsext_host_name(session, peer_.name.c_str()) == 1;
  if (peer_.verify) {
    X509_VERIFY_PARAM* rules = SSL_get0_param(session);
    const unsigned by_name = peer_.by_common_name ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | by_name);
    named =
        named && (address ? X509_VERIFY_PARAM_set1_ip_asc(rules, peer_.name.c_str())
                          : X509_VERIFY_PARAM_set1_host(rules, peer_.name.c_str(), peer_.name.size())) == 1;
    SSL_set_verify(session, SSL_VERIFY_PEER, &tls_engine::on_verify);
  } else {
    SSL_set_verify(session, SSL_VERIFY_NONE, nullptr);
  }
  if (!named) failure_ = "'" + peer_.name + "' cannot be used as the name of a TLS server";
  offer_ticket();
}

tls_engine::~tls_engine() {
  // OpenSSL spoils the session of a link that ended without close_notify, as only TLS 1.0 wants it.
  if (established()) SSL_set_shutdown(session_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_engine::offer_ticket() {
  if (peer_.address.empty()) return;
  offered_ = tls_tickets::of(SSL_get_SSL_CTX(session_.get())).take(key_of(peer_));
  if (offered_) SSL_set_session(session_.get(), offered_.get());
}

void tls_engine::prepare_client(ssl_ctx_st* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &tls_engine::on_ticket);
  SSL_CTX_set_cert_cb(context, &tls_engine::on_certificate_request, nullptr);
  SSL_CTX_set_info_callback(context, &tls_engine::on_event);
}

/// OpenSSL hands its reference over if 1 is returned.
int tls_engine::on_ticket(ssl_st* session, ssl_session_st* ticket) try {
  auto* self = static_cast<tls_engine*>(SSL_get_app_data(session));
  if (self->peer_.address.empty()) return 0;
  SSL_SESSION_up_ref(ticket);
  self->tickets_.emplace_back(ticket, &SSL_SESSION_free);
  if (self->approved_) self->leave_tickets();
  return 0;
} catch (const std::bad_alloc&) {
  return 0;  // then the next handshake is a full one
}

/// At once: whoever connects to the same server next need not wait until this link ends.
void tls_engine::leave_tickets() {
  auto& store = tls_tickets::of(SSL_get_SSL_CTX(session_.get()));
  for (tls_ticket& each : std::exchange(tickets_, {}))
    if (SSL_SESSION_is_resumable(each.get()) == 1) store.keep(key_of(peer_), std::move(each));
}

void tls_engine::release_buffers() noexcept {
  // A record's header without its body is not known to some 3.0 versions of SSL_free_buffers (CVE-2024-4741).
  if (std::strcmp(SSL_rstate_string(session_.get()), "RH") == 0) SSL_free_buffers(session_.get());
}

void tls_engine::start() {
  if (!failure_.empty()) return;
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result != 1) note_failure(result);
}

tls_engine::state tls_engine::receive(std::span<const std::uint8_t> ciphertext, byte_queue& plain) {
  if (!failure_.empty()) return state::failed;
  input_ = ciphertext;
  ERR_clear_error();
  for (;;) {
    // What is decrypted is never longer than what came, but a record may have come in pieces.
    const std::size_t room = std::clamp<std::size_t>(input_.size(), least_room, record_size);
    std::size_t got = 0;
    const int result = SSL_read_ex(session_.get(), plain.prepare(room), room, &got);
    if (result == 1) {
      plain.commit(got);
      if (input_.empty() && SSL_pending(session_.get()) == 0) return state::open;
      continue;
    }
    input_ = input_.subspan(input_.size());
    if (SSL_get_error(session_.get(), result) == SSL_ERROR_ZERO_RETURN) return state::closed_by_peer;
    note_failure(result);
    return failure_.empty() ? state::open : state::failed;
  }
}

bool tls_engine::send(std::span<const std::uint8_t> plain) {
  ERR_clear_error();
  while (!plain.empty() && failure_.empty()) {
    std::size_t taken = 0;
    const int result = SSL_write_ex(session_.get(), plain.data(), plain.size(), &taken);
    if (result != 1) {
      note_failure(result);
      if (failure_.empty()) failure_ = "TLS could not encrypt";
      return false;
    }
    plain = plain.subspan(taken);
  }
  return failure_.empty();
}

void tls_engine::shut_down() {
  if (!failure_.empty() || !established()) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ERR_clear_error();
}

bool tls_engine::established() const noexcept {
  return SSL_is_init_finished(session_.get()) == 1;
}

bool tls_engine::check_pins(const std::vector<std::string>& pins) {
  SSL* session = session_.get();
  const bool resumed = SSL_session_reused(session) == 1;
  if (!pins.empty() && failure_.empty() && !resumed) failure_ = pin_mistake(session, pins);
  approved_ = failure_.empty();
  // TLS 1.2 brings no new ticket to a resumed session: the old one serves again.
  if (resumed && tickets_.empty() && SSL_version(session) < TLS1_3_VERSION) tickets_.push_back(offered_);
  if (approved_) leave_tickets();
  offered_.reset();
  return approved_;
}

tls_details tls_engine::details() const {
  return describe_session(session_.get());
}

std::optional<std::chrono::sys_seconds> tls_engine::certificate_end() const {
  return end_of_certificate(session_.get());
}

void tls_engine::note_failure(int result) {
  const int kind = SSL_get_error(session_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
  if (failure_.empty()) explain_failure();
  ERR_clear_error();
}

void tls_engine::explain_failure() {
  failure_ = explain_tls_error();
  if (refused_renegotiation_)
    failure_ = "the server wanted to renegotiate, which is refused here, and then gave up (" + failure_ + ")";
  else if (lacks_certificate_)
    failure_ += " (the server asked for a client certificate: give one as cert_file)";
}

void tls_engine::on_event(const ssl_st* session, int where, int value) {
  if ((where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT || (value & 0xff) != SSL_AD_NO_RENEGOTIATION) return;
  static_cast<tls_engine*>(SSL_get_app_data(session))->refused_renegotiation_ = true;
}

int tls_engine::on_certificate_request(ssl_st* session, void* /*unused*/) {
  auto* self = static_cast<tls_engine*>(SSL_get_app_data(session));
  self->shows_certificate_ = SSL_get_certificate(session) != nullptr;
  self->lacks_certificate_ = !self->shows_certificate_;
  return 1;
}

int tls_engine::on_verify(int ok, x509_store_ctx_st* store) {
  if (ok == 1) return 1;
  auto* session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<tls_engine*>(SSL_get_app_data(session));
  if (self->failure_.empty()) self->failure_ = explain_verify_failure(store, self->peer_.name);
  return 0;
}

int tls_engine::bio_read(bio_st* bio, char* out, int size) {
  auto* self = static_cast<tls_engine*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->input_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t taken = std::min(self->input_.size(), static_cast<std::size_t>(size));
  std::memcpy(out, self->input_.data(), taken);
  self->input_ = self->input_.subspan(taken);
  return static_cast<int>(taken);
}

int tls_engine::bio_write(bio_st* bio, const char* bytes, int size) {
  auto* self = static_cast<tls_engine*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self->output_.append(bytes, static_cast<std::size_t>(size));
  return size;
}

long tls_engine::bio_control(bio_st* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace duplexd::net
