// A module that this duplexd must not load.
#ifndef ODD_NOTHING
#include "daemon/output/output_module.hpp"

extern "C" const duplexd::module_head* duplexd_output_module() {
  static const duplexd::output_module module{{ODD_INTERFACE, ODD_VERSION}, nullptr, nullptr};
  return &module.head;
}
#endif
