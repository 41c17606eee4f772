#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// Reads references, on the thread of who asks.
class reference_reader {
 public:
  reference_reader() = default;
  reference_reader(const reference_reader&) = delete;
  reference_reader& operator=(const reference_reader&) = delete;
  virtual ~reference_reader() = default;

  /// The text with its references read now. None: `error` says why.
  [[nodiscard]] virtual std::optional<std::string> resolve(const config::text_template& text,
                                                           std::string& error) = 0;
};

/// What a module's writer asks the daemon for, on the thread that it writes on.
class module_host : public reference_reader {
 public:
  /// Whether there is a file for what a target refuses.
  [[nodiscard]] virtual bool keeps_refused() const noexcept = 0;
  /// Puts a record into it, if there is one. Returns why that failed; empty: it did not.
  [[nodiscard]] virtual std::string keep_refused(const record_batch::record& refused,
                                                 const std::string& why) = 0;
};

/// What a module, `duplexd-TYPE.so`, gives when it is loaded. It holds C++ objects of ours, so a module and a
/// daemon fit together only if they are of one version. The first two members never change.
struct output_module {
  std::uint32_t interface;  ///< `module_interface` of its build
  const char* version;      ///< duplexd's, likewise
  /// The writer, which is deleted before the host is.
  event_writer* (*make)(const config::output_settings& settings, module_host& host);
  /// What receives commands, which is deleted before the reader is; null: there is none of that kind.
  broker_receiver* (*receive)(const config::output_settings& settings, reference_reader& references);
};

inline constexpr std::uint32_t module_interface = 2;
/// The name of a module's only symbol, of this type.
inline constexpr const char* module_entry = "duplexd_output_module";
using module_entry_type = const output_module*();

}  // namespace duplexd
