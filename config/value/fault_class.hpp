#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace duplexd::config {

/// What kind of thing ended a link or an attempt at one. The configuration names these classes (`fatal:
/// [tls]`).
enum class fault_class : std::uint8_t {
  secret,          ///< a reference of the configuration (`${credential:…}`) could not be read
  resolve,         ///< the host name could not be resolved
  connect,         ///< no address accepted a TCP connection
  tls,             ///< the TLS handshake failed or the certificate was refused
  http,            ///< the server answered the upgrade with something other than 101
  login_rejected,  ///< HTTP 401 or 403, or the login's reply was not the expected one
  closed,          ///< the server closed the link with a close frame
  lost,            ///< the link broke without a close frame
  protocol_error,  ///< the server broke RFC 6455, or a message was over the limit
  liveness,        ///< nothing was heard for longer than the idle timeout
  script,          ///< a step failed: an expected reply did not come in time
};

/// Every class with the name that configuration, logs and metrics use.
inline constexpr std::array<std::pair<fault_class, std::string_view>, 11> fault_class_names{{
    {fault_class::secret, "secret"},
    {fault_class::resolve, "resolve"},
    {fault_class::connect, "connect"},
    {fault_class::tls, "tls"},
    {fault_class::http, "http"},
    {fault_class::login_rejected, "login_rejected"},
    {fault_class::closed, "closed"},
    {fault_class::lost, "lost"},
    {fault_class::protocol_error, "protocol_error"},
    {fault_class::liveness, "liveness"},
    {fault_class::script, "script"},
}};

[[nodiscard]] std::string_view name_of(fault_class) noexcept;
[[nodiscard]] std::optional<fault_class> fault_class_from(std::string_view name) noexcept;

}  // namespace duplexd::config
