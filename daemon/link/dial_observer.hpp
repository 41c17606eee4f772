#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace duplexd {

/// The steps of opening a link, in their order. A step that is not needed does not take place.
enum class dial_phase : std::uint8_t {
  resolve,    ///< the addresses of the server's name, or of the proxy's
  tcp,        ///< a connection to one of them
  proxy,      ///< the proxy connects us on
  tls,        ///< the TLS handshake
  handshake,  ///< the WebSocket handshake
};

[[nodiscard]] constexpr std::string_view name_of(dial_phase phase) noexcept {
  constexpr std::string_view names[] = {"resolve", "tcp", "proxy", "tls", "handshake"};
  return names[static_cast<std::size_t>(phase)];
}

/// What was found out in each phase.
struct resolve_details {
  std::string host;
  std::vector<std::string> addresses;  ///< in the order in which they are tried
};
struct tcp_details {
  std::string remote;  ///< "127.0.0.1:443", "[::1]:443"
  std::string local;
};
struct proxy_details {
  std::string proxy;   ///< "http://proxy.example:3128", without user and password
  std::string target;  ///< "host:port" that it was asked for
};
struct tls_details {
  std::string version;             ///< "TLSv1.3"
  std::string cipher;              ///< "TLS_AES_256_GCM_SHA384"
  std::string alpn;                ///< what the server chose; empty: nothing
  std::string subject;             ///< "CN=…" of the server's certificate
  std::string issuer;              ///< "CN=…"
  std::vector<std::string> names;  ///< host names and addresses that the certificate is for
  std::chrono::sys_seconds not_after{};
  bool resumed = false;   ///< an earlier session went on: no certificate was sent
  bool verified = false;  ///< the certificate was checked
};
struct handshake_details {
  int status = 0;             ///< of HTTP: 101, or a redirect's, after which the dial starts again
  std::string url;            ///< where this was asked, without the query, which may hold secrets
  std::string subprotocol{};  ///< agreed on; empty: none
  std::string extensions{};   ///< agreed on, as the server put it; empty: none
  std::string location{};     ///< where a redirect leads, without the query
};
using dial_details =
    std::variant<resolve_details, tcp_details, proxy_details, tls_details, handshake_details>;

/// Told what happens while a link is opened. Called from the dial, on the loop's thread; must not throw, and
/// must outlive the dial. No details hold a secret.
class dial_observer {
 public:
  dial_observer() = default;
  dial_observer(const dial_observer&) = delete;
  dial_observer& operator=(const dial_observer&) = delete;
  virtual ~dial_observer() = default;

  /// A phase begins. If no `phase_done` follows it failed, or the dial was cancelled.
  virtual void phase_begun(dial_phase /*phase*/) {}

  /// A phase has succeeded.
  virtual void phase_done(dial_phase phase, std::chrono::nanoseconds took, const dial_details& details) = 0;
};

}  // namespace duplexd
