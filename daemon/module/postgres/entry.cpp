#include "daemon/module/postgres/postgres_writer.hpp"

extern "C" const duplexd::module_head* duplexd_output_module() {
  using namespace duplexd;
  static const output_module module{
      {module_interface, DUPLEXD_VERSION},
      [](const config::output_settings& settings, module_host& host) -> event_writer* {
        return new postgres_writer(settings, host);
      },
      nullptr};
  return &module.head;
}
