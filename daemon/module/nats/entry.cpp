#include <memory>

#include "daemon/module/nats/jetstream_receiver.hpp"
#include "daemon/module/nats/nats_link.hpp"
#include "daemon/module/nats/nats_receiver.hpp"
#include "daemon/output/broker_writer.hpp"

extern "C" const duplexd::module_head* duplexd_output_module() {
  using namespace duplexd;
  static const output_module module{
      {module_interface, DUPLEXD_VERSION},
      [](const config::output_settings& settings, module_host& host) -> event_writer* {
        return new broker_writer(std::make_unique<nats_link>(settings, host), {"NATS", settings.timeout},
                                 host);
      },
      [](const config::output_settings& settings, reference_reader& references) -> broker_receiver* {
        if (settings.commands.stream.empty()) return new nats_receiver(settings, references);
        return new jetstream_receiver(settings, references);
      }};
  return &module.head;
}
