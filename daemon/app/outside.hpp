#pragma once

#include "config/settings/settings.hpp"
#include "protocol/document/diagnostic.hpp"

namespace duplexd {

/// What the sessions need of this machine and cannot have now: ciphers that OpenSSL does not know,
/// certificates and keys that cannot be read, programs and modules that are not there. Reads files; connects
/// to nobody.
[[nodiscard]] protocol::diagnostics missing_outside(const config::settings& settings);

}  // namespace duplexd
