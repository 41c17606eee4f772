#include "daemon/net/tls/tls_tickets.hpp"

#include <openssl/ssl.h>

#include <new>
#include <utility>

namespace duplexd::net {
namespace {

void free_store(void* /*context*/, void* store, CRYPTO_EX_DATA* /*all*/, int /*index*/, long /*number*/,
                void* /*pointer*/) {
  delete static_cast<tls_tickets*>(store);
}

}  // namespace

tls_tickets& tls_tickets::of(ssl_ctx_st* context) {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_store);
  if (auto* known = static_cast<tls_tickets*>(SSL_CTX_get_ex_data(context, index))) return *known;
  auto made = std::make_unique<tls_tickets>();
  if (SSL_CTX_set_ex_data(context, index, made.get()) != 1) throw std::bad_alloc();
  return *made.release();
}

void tls_tickets::keep(const std::string& server, tls_ticket ticket) {
  auto& held = known_[server];
  if (held.size() == most_for_one) held.erase(held.begin());
  held.push_back(std::move(ticket));
}

tls_ticket tls_tickets::take(const std::string& server) {
  const auto found = known_.find(server);
  if (found == known_.end()) return nullptr;
  tls_ticket newest = std::move(found->second.back());
  found->second.pop_back();
  if (found->second.empty()) known_.erase(found);
  return newest;
}

}  // namespace duplexd::net
