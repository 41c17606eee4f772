#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/settings.hpp"
#include "config/value/proxy.hpp"
#include "config/value/redirect_rules.hpp"
#include "config/value/url.hpp"

namespace duplexd {

class cookie_jar;
class dial_observer;

/// What every request to a server needs, be it for a link or for a document; references already resolved.
/// Lives only as long as the request.
struct server_request {
  config::url address;
  config::tls_settings tls;
  std::string ca_file;      ///< resolved; empty: the system's store
  std::string cert_file{};  ///< resolved; empty: we have no certificate
  std::string key_file{};   ///< resolved; empty: the key stands in `cert_file`
  std::string key_password{};
  config::proxy_rules proxies;
  config::tcp_settings tcp;
  config::timeout_settings timeouts;
  std::vector<std::pair<std::string, std::string>> headers;
  config::redirect_rules redirects;
  std::shared_ptr<cookie_jar> cookies{};  ///< what servers set, and what is sent back; null: neither

  bool resumes_tls = true;         ///< whether tickets of earlier connections may be used
  dial_observer* watch = nullptr;  ///< told about the phases; may be null
};

}  // namespace duplexd
