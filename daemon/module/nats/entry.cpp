#include "daemon/module/nats/nats_writer.hpp"

extern "C" const duplexd::output_module* duplexd_output_module() {
  static const duplexd::output_module module{duplexd::module_interface, DUPLEXD_VERSION,
                                             [](const duplexd::config::output_settings& settings,
                                                duplexd::module_host& host) -> duplexd::event_writer* {
                                               return new duplexd::nats_writer(settings, host);
                                             }};
  return &module;
}
