#include "daemon/loading/schema_module.hpp"
#include "daemon/module/protobuf/proto_reader.hpp"

extern "C" const duplexd::module_head* duplexd_schema_module() {
  using namespace duplexd;
  static const schema_module module{{schema_module_interface, DUPLEXD_VERSION},
                                    []() -> protocol::schema_reader* { return new proto_reader; }};
  return &module.head;
}
