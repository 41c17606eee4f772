#include "daemon/output/certificate_files.hpp"

#include <fmt/format.h>

#include <tuple>

namespace duplexd {

std::string resolve_certificates(const config::output_settings& settings, config::scope& scope,
                                 server_request& request) {
  for (const auto& [field, text, file] : {std::tuple{"ca_file", &settings.ca_file, &request.ca_file},
                                          std::tuple{"cert_file", &settings.cert_file, &request.cert_file},
                                          std::tuple{"key_file", &settings.key_file, &request.key_file}}) {
    const auto path = text->resolve(&scope);
    if (!path) return fmt::format("{}: {}", field, path.error);
    *file = path.value;
  }
  return "";
}

}  // namespace duplexd
