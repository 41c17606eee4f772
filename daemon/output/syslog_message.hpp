#pragma once

#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "daemon/output/record_text.hpp"

namespace duplexd {

/// Records as syslog messages (RFC 5424): the event's time, our host, APP-NAME and PROCID, the reply's name
/// as MSGID, perhaps session, event and reply as structured data, and the record without its newline as MSG.
class syslog_message {
 public:
  /// `host` and `process` are ours.
  syslog_message(const config::output_settings& settings, std::string_view host, int process);

  [[nodiscard]] std::string operator()(const record_batch::record& record) const;

 private:
  std::string priority_;  ///< "<30>1 "
  std::string origin_;    ///< " HOST APP-NAME PROCID "
  std::string element_;   ///< the id of the structured data; empty: there is none
};

/// A message as it travels over TCP: its length, a space, itself (RFC 6587, 3.4.1).
[[nodiscard]] std::string octet_counted(std::string_view message);

/// The name of this machine; empty: it has none.
[[nodiscard]] std::string host_name();

}  // namespace duplexd
