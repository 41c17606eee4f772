#include "daemon/link/verdict.hpp"

namespace duplexd {

verdict classify(const fault& what, const config::reconnect_settings& settings) noexcept {
  using config::fault_class;
  if (settings.fatal.contains(what.kind)) return verdict::fatal;
  switch (what.kind) {
    case fault_class::login_rejected:
      return verdict::retry_slowly;
    case fault_class::http:  // 429: too many requests
      return what.http_status == 429 ? verdict::retry_slowly : verdict::retry;
    case fault_class::secret:
    case fault_class::resolve:
    case fault_class::connect:
    case fault_class::tls:
    case fault_class::closed:
    case fault_class::lost:
    case fault_class::protocol_error:
    case fault_class::liveness:
    case fault_class::script:
      return verdict::retry;
  }
  return verdict::retry;
}

}  // namespace duplexd
