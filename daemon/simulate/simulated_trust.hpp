#pragma once

#include <string>
#include <vector>

namespace duplexd::net {

/// The files with which a simulated server shows who it is.
struct simulated_trust {
  std::string ca_file;  ///< for the clients; empty if the certificate was given
  std::string certificate_file;
  std::string key_file;
  std::string error;  ///< why there are none
};

/// Makes a throw-away authority and a certificate for `names` in `directory` (made if need be; empty: a
/// temporary one). The key can be read by the user alone; the authority's is written nowhere.
[[nodiscard]] simulated_trust make_simulated_trust(const std::string& directory,
                                                   const std::vector<std::string>& names);

}  // namespace duplexd::net
