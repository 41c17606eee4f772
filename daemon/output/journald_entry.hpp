#pragma once

#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/output/record_text.hpp"

namespace duplexd {

/// Records as entries of systemd's journal, in its native protocol: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER,
/// SESSION, EVENT and REPLY, the last three if there are any.
class journald_entry {
 public:
  explicit journald_entry(const config::output_settings& settings);

  [[nodiscard]] std::string operator()(const record_batch::record& record) const;

 private:
  std::string always_;  ///< the fields that are the same for all
};

}  // namespace duplexd
