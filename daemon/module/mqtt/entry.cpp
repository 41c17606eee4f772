#include <memory>

#include "daemon/module/mqtt/mqtt_link.hpp"
#include "daemon/module/mqtt/mqtt_receiver.hpp"
#include "daemon/output/broker_writer.hpp"

extern "C" const duplexd::module_head* duplexd_output_module() {
  using namespace duplexd;
  static const output_module module{
      {module_interface, DUPLEXD_VERSION},
      [](const config::output_settings& settings, module_host& host) -> event_writer* {
        return new broker_writer(std::make_unique<mqtt_link>(settings, host),
                                 {"MQTT", settings.timeout, settings.keepalive / 4}, host);
      },
      [](const config::output_settings& settings, reference_reader& references) -> broker_receiver* {
        return new mqtt_receiver(settings, references);
      }};
  return &module.head;
}
